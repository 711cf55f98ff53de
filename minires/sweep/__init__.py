"""Sweeps: many runs over a design of settings, in one process, in several, or on a cluster.

    plan = sweep.read("depths.toml")          # or sweep.plan({"task": "gradflow", "setting": …})
    report = sweep.run(plan.jobs().jobs, "out/sweep", workers=4)

Every run is kept in a store (`minires.store`); an engine only sends the store's path and the run
that is asked for. So a sweep that was killed, at any moment, goes on where it was.

values    of one field: listed, or a range
design    grid, random, Latin hypercube
file      the TOML file, or the arguments
cost      how long runs take
worker    what a worker does
pools     where it does it: this process, processes, an executor; cluster: Dask
engine    the loop; watch: what it tells; summary: what came out
"""

from .design import Drawn, Plan
from .engine import Report
from .file import plan, read
from .running import run
from .watch import Watch

__all__ = ["Drawn", "Plan", "Report", "Watch", "plan", "read", "run"]

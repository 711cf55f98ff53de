"""A store of runs: each is computed once, whoever asks for it and however it was interrupted.

    store = Store("out")
    job = Job.of("gradflow", depth=56, skip="identity", norm="bn", seed=3)
    run = store.compute(job)          # from the store, if it is there
    run.summary, run.rows()

A run is a folder, OUT/runs/<key>/; the key is a hash of what was asked for, of the sources that
compute it and of the data. It is written under another name and renamed, so that a process which is
killed leaves a whole run or none; several processes may fill one store.

version   what a key depends on beside the settings: sources, data
tasks     what can be computed, with the fields of each setting
job       one run that is asked for
files     its tables as CSV, its arrays
stored    one run that is there
store     the folder of all
fill      computing many, until a signal
claims    who computes which run, so that two sweeps share them
objects   stored runs as objects of the experiments
filters   which runs are meant: depth=56 skip=none
tidy      many runs as one table
export    such tables for other programs
compare   two sets of runs, with the spread of their difference
folders   loading what is in a store, or what was saved without one
"""

from .job import Job
from .store import Store
from .stored import Damaged, Stored
from .tasks import TASKS, Result, Task

__all__ = ["TASKS", "Damaged", "Job", "Result", "Store", "Stored", "Task"]

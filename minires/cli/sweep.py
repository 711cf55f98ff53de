"""`minires sweep`: many runs over a design of settings, on this machine or on a cluster."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from .. import console
from .arguments import natural, positive_float, positive_int

if TYPE_CHECKING:
    from ..sweep import Drawn, Plan, Report

OUT = "out"
FAILED, UNFINISHED = 1, 3  # exit codes
DESCRIPTION = """\
Compute many runs over a design of settings, and keep each in a store (see `minires runs`).
A run that is in the store is not computed again: after Ctrl-C, a crash or a power failure the
same command goes on, and with more values or seeds it adds what is missing. Sweeps that run at the
same time on one store share the runs, also from several machines."""
EPILOG = """\
A file says what to do, with which values; here a grid of 2 · 3 · 2 · 7 settings with 3 seeds each:

  task = "degradation"            # what to do; the tasks and their fields: below
  seeds = 3                       # or a list of seeds
  [setting]                       # fields without a value here have the task's default
  skip = ["none", "identity"]
  depth = [8, 20, 56]
  norm = ["none", "bn"]
  lr = { from = 0.001, to = 1.0, count = 7, scale = "log" }    # or: step = 0.1 (linear)
  [[exclude]]                     # combinations to leave out; there may be several of these
  norm = "none"
  depth = [20, 56]

  design = "random" (or "latin", a Latin hypercube), samples = 200 and draw_seed = 0, above
  [setting], draw instead; then ranges need no count. Combinations that are impossible are left
  out, and counted by their reason. A field whose value is a list takes a list of lists.

Without a file, and to change one: arguments, with values separated by commas or as in TOML.

  minires sweep depths.toml --store out/depths --dry-run
  minires sweep depths.toml --store out/depths --jobs 4
  minires sweep gradflow depth=8,20,56 norm=none,bn --seeds 3
  minires sweep train 'lr={from=0.001,to=1}' optimizer=sgd,adam --design latin --samples 100

On several machines (pip install "minires[cluster]"), with minires and the store's folder at the
same path on all of them:

  dask scheduler                                          # on one; it prints its ADDRESS
  dask worker ADDRESS --nworkers 8 --nthreads 1           # on each
  minires sweep depths.toml --store /shared/depths --scheduler ADDRESS

SLURM, and executors of your own: lessons/site/sweeps.md.

Exit code: 0 every run is in the store; 1 some failed; 3 the minutes were over before all were
begun; 130 or 143 after Ctrl-C or SIGTERM, which let the runs in hand finish (a second Ctrl-C does
not).

"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "sweep",
        help="many runs over a design of settings, on all cores or a cluster; resumes",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION,
        epilog=EPILOG + _fields(),
    )
    p.add_argument("what", metavar="FILE|TASK", help="a TOML file, or a task: see below")
    p.add_argument(
        "given", nargs="*", metavar="FIELD=VALUES", help="of the setting; replaces that of the file"
    )
    p.add_argument(
        "--store", metavar="DIR", default=OUT, help=f"folder of the runs. Default: {OUT}"
    )
    where = p.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs", type=positive_int, metavar="N",
        help="processes on this machine, with one thread each. Default: the cores",
    )  # fmt: skip
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of Dask, e.g. tcp://10.0.0.1:8786, or its file"
    )
    p.add_argument("--seeds", type=seeds, metavar="N|S,…", help="how many, or a list: 0,1,2")
    p.add_argument("--design", metavar="D", help="grid, random or latin. Default: grid")
    p.add_argument("--samples", type=positive_int, metavar="N", help="of random and latin")
    p.add_argument("--draw-seed", type=natural, metavar="S", help="of what is drawn. Default: 0")
    p.add_argument(
        "--dry-run", action="store_true",
        help="how many runs there are, how many are in the store, how long the others will take: "
        "by measured runs of the store, else by a few that are computed and thrown away",
    )  # fmt: skip
    p.add_argument(
        "--minutes", type=positive_float, metavar="M",
        help="begin no run that would probably end later",
    )  # fmt: skip
    p.add_argument(
        "--retries", type=natural, default=1, metavar="N",
        help="of a run that fails, after all others. Default: 1",
    )  # fmt: skip
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.set_defaults(run=run)


def seeds(text: str) -> int | list[int]:
    """Parse "3", how many, or "0,1,5", the seeds; "7," is the seed 7 alone."""
    parts = text.removesuffix(",").split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"expected how many, or seeds: 0,1,2; got {text!r}")
    return [int(part) for part in parts] if "," in text else positive_int(text)


def _fields() -> str:
    """Return the tasks, and the fields of their settings with their defaults."""
    from ..store import TASKS

    lines = ["tasks, and the fields of their settings:"]
    shown: dict[str, Any] = {}
    for name, task in TASKS.items():
        lines += ["", f"{name}: {task.about}"]
        same = [f for f, about in task.fields.items() if shown.get(f) == about]
        lines += [f"  as above: {', '.join(same)}"] if same else []
        for field, about in task.fields.items():
            if field not in same:
                lines.append(f"  {field:<13} {about.about} (default: {about.default})")
        shown |= task.fields
    return "\n".join(lines)


def run(args: argparse.Namespace) -> int:
    """Compute what is missing, or tell what is; see EPILOG for the exit code."""
    from .. import sweep
    from ..sweep import running, summary

    plan = _plan(args)
    drawn = plan.jobs()
    _say_design(plan, drawn)
    if not drawn.jobs:
        raise ValueError("the design has no runs: all of its combinations are left out")
    workers = args.jobs or running.cores()
    if args.dry_run:
        width = running.width(workers, args.scheduler)
        print(summary.forecast(drawn.jobs, args.store, width))
        return 0
    from ..sweep.watch import Console, Watch

    watch = Watch() if args.quiet else Console()
    try:
        report = sweep.run(
            drawn.jobs, args.store, workers=workers, scheduler=args.scheduler,
            retries=args.retries, minutes=args.minutes, watch=watch,
        )  # fmt: skip
    except KeyboardInterrupt:
        console.say(f"minires: stopped; finished runs are kept. To go on: {console.command()}")
        return console.INTERRUPTED
    print(summary.text(report, drawn.jobs, args.store))
    return _code(report)


def _plan(args: argparse.Namespace) -> Plan:
    from ..sweep import file

    given = dict(file.argument(text) for text in args.given)
    options = {
        "seeds": args.seeds, "design": args.design, "samples": args.samples,
        "draw_seed": args.draw_seed,
    }  # fmt: skip
    options = {k: v for k, v in options.items() if v is not None}
    if file.is_path(args.what):
        return file.read(args.what, given, **options)
    return file.plan({"task": args.what, "setting": given, **options})


def _say_design(plan: Plan, drawn: Drawn) -> None:
    from ..sweep.watch import count

    combinations = plan.size() if plan.design == "grid" else plan.samples
    print(
        f"{plan.task}, {plan.design}: {count(combinations, 'combination')} × "
        f"{count(len(plan.seeds), 'seed')}; {count(len(drawn.jobs), 'run')}"
    )
    for line in drawn.left_out():
        print(f"  left out: {line}")
    sys.stdout.flush()


def _code(report: Report) -> int:
    """Tell how it ended, and return the exit code."""
    from ..sweep.watch import count

    if report.signal is not None:
        console.say(f"minires: stopped; finished runs are kept. To go on: {console.command()}")
        return 128 + report.signal
    if report.failed:
        failed = count(len(report.failed), "run")
        console.say(f"minires: {failed} failed. To try them again: {console.command()}")
        return FAILED
    if report.left:
        console.say(f"minires: the minutes are over. To go on: {console.command()}")
        return UNFINISHED
    return 0

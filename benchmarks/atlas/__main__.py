"""Make the atlas: compute what is missing of its runs, summarise them, draw page and figure."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from minires import console, results, sweep
from minires.cli.sweep import seeds
from minires.store import Store
from minires.sweep import file, running
from minires.sweep.watch import Console

from . import figures, grid, page, summarise

COMMAND = "python -m benchmarks.atlas"


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0; 1 if runs failed; 128 and more after a signal."""
    given = _parser().parse_args(arguments)
    command = shlex.join([*COMMAND.split(), *(sys.argv[1:] if arguments is None else arguments)])
    try:
        plan = grid.plan(dict(map(file.argument, given.changes)), given.seeds)
        code = 0 if given.only_draw else _compute(plan, given)
        if code >= 128:
            console.say(f"stopped; finished runs are kept. To go on: {command}")
            return code
        document = summarise.summarise(plan, Store(given.store), _made_by(given))
        for path in _write(document, Path(given.out or given.store)):
            print(path)
    except (ValueError, OSError) as error:
        console.say(f"{COMMAND}: {error}")
        return 2
    return code


def _made_by(given: argparse.Namespace) -> str:
    """Return the command without where things are and how many processes compute."""
    chosen = given.seeds if isinstance(given.seeds, list) else [given.seeds]
    seeds_ = [] if given.seeds is None else ["--seeds", ",".join(map(str, chosen))]
    return shlex.join([*COMMAND.split(), *given.changes, *seeds_])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument(
        "changes", nargs="*", metavar="FIELD=VALUES",
        help="of the setting, e.g. depth=6,12 lr=0.01: a part of the atlas, or another one",
    )  # fmt: skip
    parser.add_argument(
        "--store", default="out/atlas", metavar="DIR",
        help="of the runs; those that are there are not computed again. Default: out/atlas",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="DIR", help="of summary, figures and page. Default: the store's folder"
    )  # fmt: skip
    parser.add_argument("--jobs", type=int, metavar="N", help="processes. Default: the cores")
    parser.add_argument("--seeds", type=seeds, metavar="N|S,…", help="how many, or 0,1,2")
    parser.add_argument(
        "--only-draw", action="store_true", help="compute nothing; draw what is in the store"
    )
    return parser


def _compute(plan: sweep.Plan, given: argparse.Namespace) -> int:
    jobs = plan.jobs().jobs
    workers = running.cores() if given.jobs is None else given.jobs
    report = sweep.run(jobs, given.store, workers=workers, watch=Console())
    print(
        f"{len(jobs)} runs: {report.found} were there, {report.computed} computed in "
        f"{report.wall:.0f} s, {len(report.failed)} failed"
    )
    if report.signal is not None:
        return 128 + report.signal
    return 1 if report.failed else 0


def _write(document: dict[str, Any], out: Path) -> list[Path]:
    """Write summary, figures and page into a folder."""
    return [
        results.write_text(out / "summary.json", summarise.text(document)),
        *figures.save(document, out),
        results.write_text(out / "atlas.html", page.page(document)),
    ]


if __name__ == "__main__":
    sys.exit(main())

"""`minires reproduce`: run an experiment of a paper again, and compare."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from .. import console, results
from .arguments import positive_int

OUT = "out/reproduce"


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "reproduce",
        help="run an experiment of a paper again: its numbers, ours over seeds, and a verdict",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Run an experiment of a paper again. `minires reproduce list` tells which\n"
        "there are. The short form takes minutes on one core; --full takes the paper's settings,\n"
        "and may take days. Every finished run is kept in DIR/runs: after Ctrl-C, or with more\n"
        "seeds, the same command goes on with what is missing.",
    )
    p.add_argument("name", metavar="NAME", help="of an experiment, or list")
    p.add_argument("--full", action="store_true", help="the paper's settings; see the list")
    p.add_argument(
        "--seeds", type=positive_int, metavar="N", help="number of seeds, 0 to N-1. Default: list"
    )
    p.add_argument("--data", metavar="D", help="digits, cifar10, …; see the list")
    p.add_argument(
        "--root", metavar="DIR", help="folder of the data set. Default: as in `minires data`"
    )
    p.add_argument(
        "--weights", action="append", default=[], metavar="ARM=FILE", type=weights_of_arm,
        help="weights to take for an arm instead of training it, where the list offers it",
    )  # fmt: skip
    p.add_argument(
        "--note", default="", metavar="TEXT", help="what must be said of the data beside a result"
    )
    p.add_argument("--out", metavar="DIR", help=f"folder to write to. Default: {OUT}/NAME")
    p.add_argument("--json", action="store_true", help="print run.json instead of the table")
    p.set_defaults(run=run)


def weights_of_arm(text: str) -> tuple[str, str]:
    """Parse "plain-20=out/model.safetensors"."""
    arm, equals, path = text.partition("=")
    if not (arm and equals and path):
        raise argparse.ArgumentTypeError(
            f"expected ARM=FILE, e.g. plain-20=model.safetensors; got {text!r}"
        )
    return arm, path


def run(args: argparse.Namespace) -> int:
    """Run the reproduction, or list all."""
    from ..experiments import reproductions
    from ..experiments.reproductions import report, running

    if args.name == "list":
        print(overview())
        return 0
    chosen = reproductions.find(args.name)
    data = args.data or (chosen.full_data if args.full else chosen.data[0])
    out = Path(args.out or f"{OUT}/{chosen.name}")
    form = reproductions.Form(args.full, data, args.root, out, dict(args.weights), args.note)
    running.check_data(chosen, form)
    before = results.files_of(out)
    arms = chosen.arms(form)
    found, whole = [], True
    try:
        for result in running.stream(chosen, form, arms, args.seeds, console.say):
            found.append(result)
    except KeyboardInterrupt:
        if not found:
            raise
        whole = False
    paths, verdict, grouped = report.save(chosen, form, arms, found, command_of(args))
    if args.json:
        sys.stdout.write(results.read_text(paths[-1]))
    else:
        print(report.text(chosen, form, grouped, verdict))
        print(f"\n{results.wrote(paths, before)}")
    if not whole:
        console.say("minires: interrupted; the finished runs are kept, the same command goes on")
    return 0 if whole else console.INTERRUPTED


def command_of(args: argparse.Namespace) -> str:
    """Return the command that was given, without where it wrote to."""
    words = ["minires", "reproduce", args.name]
    words += ["--full"] if args.full else []
    words += ["--seeds", str(args.seeds)] if args.seeds else []
    words += ["--data", args.data] if args.data else []
    for arm, path in args.weights:
        words += ["--weights", f"{arm}={Path(path).name}"]
    return shlex.join(words)


def overview() -> str:
    """Return the list: what each reproduction is about, what its forms do, and for how long."""
    from ..experiments.reproductions import ALL

    lines = []
    for r in ALL.values():
        lines += [
            f"{r.name}: {r.title}",
            f"  paper  {r.paper}",
            f"  short  {r.short}; {r.seeds} seeds, about {r.minutes:g} min on one core",
            f"  full   {r.full}",
            f"  data   {', '.join(r.data)}",
            "",
        ]
    return "\n".join(lines).rstrip()

"""`minires lessons`: its actions, of which `run` and `check` are here."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
from pathlib import Path
from typing import Any

from ..lessons import runner
from . import copies, learning
from .arguments import Parser, positive_float


class _AnyOrder(Parser):
    """Options and other arguments in any order, as in `run 2 --fast depths=8`."""

    mixing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.mixing:  # argparse's own method for this calls this one
            return super().parse_known_args(args, namespace)
        self.mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.mixing = False


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser("lessons", help="list, run and check the lessons")
    actions = p.add_subparsers(
        title="actions", metavar="ACTION", required=True, parser_class=_AnyOrder
    )

    def action(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
        found.set_defaults(run=function)
        return found

    def with_number(a: argparse.ArgumentParser) -> argparse.ArgumentParser:
        a.add_argument("number", type=int, metavar="N", help="the lesson's number")
        return a

    a = action("list", learning.list_lessons, "list the lessons: what is solved, which is next")
    learning.add_folder(a)
    a = with_number(action("run", _run, "read a lesson on the terminal and run it"))
    a.add_argument("--out", metavar="DIR", help="of the figures; default: out/lessons")
    a.add_argument(
        "--file", type=Path, metavar="FILE", help="your own copy of the lesson, or a notebook"
    )
    runner.add_options(a)
    a = with_number(action("check", _check, "check the exercises; exit 1 if one is not solved"))
    a.add_argument(
        "--file", type=Path, metavar="FILE", help="your own copy of the lesson, or a notebook"
    )
    a.add_argument("--seconds", type=positive_float, metavar="S", help="per exercise; default: 20")
    a.add_argument("--json", action="store_true", help="print JSON")
    a = with_number(action("hint", learning.hint, "show the next hint of an exercise"))
    a.add_argument(
        "exercise", nargs="?", metavar="EXERCISE", help="e.g. 2.1; default: the next to do"
    )
    a.add_argument(
        "--all", action="store_true", help="all hints, of all exercises if none is named"
    )
    learning.add_folder(a)
    a = with_number(action("solution", learning.solution, "show the solution of an exercise"))
    a.add_argument("exercise", metavar="EXERCISE", help="e.g. 2.1")
    learning.add_folder(a)
    a = action("progress", learning.show, "show what is done of each lesson")
    a.add_argument("--json", action="store_true", help="print JSON")
    learning.add_folder(a)
    text = "forget the progress of a lesson or an exercise; with --file, undo your code too"
    a = with_number(action("reset", copies.reset, text))
    a.add_argument("exercise", nargs="?", metavar="EXERCISE", help="e.g. 2.1; default: all")
    a.add_argument("--file", type=Path, metavar="FILE", help="your copy, of which a backup is kept")
    a = action("copy", copies.copy, "copy the lessons, or one, to a folder of your own")
    a.add_argument("folder", type=Path, metavar="DIR")
    a.add_argument("number", type=int, nargs="?", metavar="N", help="one lesson; default: all")
    a.add_argument("--student", action="store_true", help="without the solutions")
    a.add_argument("--force", action="store_true", help="overwrite existing files")
    a = with_number(action("notebook", copies.notebook, "write a lesson as a Jupyter notebook"))
    a.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="default: the lesson's name in this folder",
    )
    a.add_argument("--student", action="store_true", help="without the solutions")
    a.add_argument("--force", action="store_true", help="overwrite an existing file")


def _run(args: argparse.Namespace) -> int:
    from minires.results import folder

    path = _path(args)
    command = ["minires", "lessons", "run", str(args.number)]
    if args.file is not None:
        command += ["--file", str(args.file)]
    if args.out is not None:
        folder(args.out)
        command += ["--out", args.out]
    with _environment({} if args.out is None else {"MINIRES_OUT": args.out}):
        return runner.run(args.number, path, args, shlex.join(command))


def _path(args: argparse.Namespace) -> Path:
    """Return the file to run or check: the learner's own, or the lesson's."""
    from minires.lessons.files import lesson_file, source

    path: Path = lesson_file(args.number).path if args.file is None else args.file
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise ValueError(f"--file: {path} {what}; name your copy of a lesson")
    source(path)
    return path


def _check(args: argparse.Namespace) -> int:
    from minires.lessons.checking import check_file
    from minires.lessons.exercise import Result
    from minires.lessons.kit import OF_MINIRES, exercises

    path = _path(args)
    if args.file is None and not args.json:
        print(f"The solutions that come with minires. {_yours(args.number)}", flush=True)
    names = list(exercises(args.number))
    limit = {} if args.seconds is None else {"MINIRES_EXERCISE_SECONDS": str(args.seconds)}
    with _environment(limit):
        outcome = check_file(path)
    if outcome.lesson is None:
        raise ValueError(
            f"{path} does not start a lesson: {outcome.stopped or 'no Lesson(N) in it'}"
        )
    if outcome.lesson != args.number:
        raise ValueError(f"{path} is lesson {outcome.lesson}, not {args.number}")
    found = [outcome.results.get(n, Result(n, "TODO", "not reached")) for n in names]
    solved = sum(r.verdict == "PASS" for r in found)
    if args.json:
        results = {
            r.name: {"passed": r.verdict == "PASS", "verdict": r.verdict, "message": r.message}
            for r in found
        }
        stopped = outcome.stopped or None
        print(json.dumps({"lesson": args.number, "exercises": results, "stopped": stopped}))
    else:
        for result in found:
            print(result.line(args.number))
        if outcome.stopped:
            print(f"the script stopped: {outcome.stopped}")
        theirs = sum(r.message == OF_MINIRES for r in found)
        if theirs == solved > 0:
            by = f", by the solutions that come with minires. {_yours(args.number)}"
        else:
            by = f", {theirs} of them by solutions that come with minires" if theirs else ""
        print(f"{solved} of {len(found)} solved{by}")
    return 0 if solved == len(found) and not outcome.stopped else 1


def _yours(number: int) -> str:
    return f"For yours: minires lessons check {number} --file FILE"


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Any:
    before = {k: os.environ.get(k) for k in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for k, v in before.items():
            if v is None:
                os.environ.pop(k, None)
            else:
                os.environ[k] = v

"""`minires lessons`: its actions, of which `run` and `check` are here."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..lessons import runner
from ..lessons.report import Report
from . import copies, learning
from .arguments import Parser, positive_float

CHECK_JSON = """\
--json prints for each lesson an object with
  lesson, file, seconds   its number, the file, how long the check took
  passed                  whether all exercises are solved and every cell ran
  counts                  how many exercises are PASS, FAIL and TODO
  points, most_points     what was earned and what there is to earn (0 in a lesson
                          that is not graded)
  exercises               a list: name, kind, state (PASS, FAIL, TODO), message,
                          line and cell of the learner's own line (or null),
                          shipped (whether it is the solution of minires),
                          points (what a pass is worth)
  problems                a list of cells that did not run: line, cell, message
and without N, or for a folder, an object whose "lessons" is a list of these
(a file that is no lesson has file, passed and error).

Of a folder, scripts and notebooks are checked, there and in its subfolders, that
are called lesson_... or have a Lesson(N) in them. Where these are not yours, type
`minires` and not `python -m minires`, which imports what it finds there."""


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
        a.add_argument("number", type=_number, metavar="N", help="the lesson's number")
        return a

    a = action("list", learning.list_lessons, "list the lessons: what is solved, which is next")
    learning.add_folder(a)
    a = with_number(action("run", _run, "read a lesson on the terminal and run it"))
    a.add_argument("--out", metavar="DIR", help="of the figures; default: out/lessons")
    a.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="your own copy of the lesson, a notebook, or the folder of copies",
    )
    runner.add_options(a)
    a = action("check", _check, "check the exercises; exit 1 if one is not solved")
    a.epilog = CHECK_JSON
    a.formatter_class = argparse.RawDescriptionHelpFormatter
    a.add_argument(
        "number", type=_number, nargs="?", metavar="N", help="the lesson's number; default: all"
    )
    a.add_argument(
        "--file",
        type=Path,
        metavar="FILE",
        help="your own copy of the lesson, a notebook, or a folder of them",
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
    a = action("glossary", learning.glossary, "explain a term of the course, or all of them")
    a.add_argument("term", nargs="*", metavar="TERM", help="or a part of it; default: all")
    a.add_argument("--page", action="store_true", help="print the page lessons/GLOSSARY.md")
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


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(
            f"expected the number of a lesson, e.g. 0, before other arguments; got {text!r}"
            + (f" (a file: --file {text})" if text.endswith((".py", ".ipynb")) else "")
        )
    return int(text)


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
    """Return the file to run or check: the learner's own, or one in a folder, or the lesson's."""
    from minires.lessons.files import lesson_file

    path: Path = lesson_file(args.number).path if args.file is None else args.file
    if args.number is not None and (copy := path / lesson_file(args.number).path.name).is_file():
        path = copy
    learning.require_file(path)
    return path


def _check(args: argparse.Namespace) -> int:
    from minires.lessons import checking

    paths = _to_check(args)
    limit = {} if args.seconds is None else {"MINIRES_EXERCISE_SECONDS": str(args.seconds)}
    reports, failures = [], []
    with _environment(limit):
        for path in paths:
            if not args.json and len(paths) > 1:
                print(f"{path}:")
            try:
                with _status(path, show=not args.json) as status:
                    report = checking.check_file(path, args.number, status)
            except checking.Interrupted as stop:
                out = sys.stderr if args.json else sys.stdout
                print(f"[STOP] {stop}: interrupted", file=out, flush=True)
                raise
            except (ValueError, OSError) as error:
                if len(paths) == 1:
                    raise
                failures.append((path, str(error)))
                if not args.json:
                    print(error)
                continue
            reports.append(report)
            if not args.json:
                print(report.text(ours=args.file is None), flush=True)
                _remember(path, report)
    if args.json:
        found: Any = [report.summary() for report in reports]
        found += [{"file": str(path), "passed": False, "error": e} for path, e in failures]
        one = args.number is not None or (args.file is not None and not args.file.is_dir())
        print(json.dumps(found[0] if one else {"lessons": found}))
    elif len(paths) > 1:
        solved = sum(report.counts()["PASS"] for report in reports)
        number = sum(len(report.results) for report in reports)
        print(f"{solved} of {number} exercises solved, in {len(reports)} lessons")
    return 0 if not failures and all(report.passed() for report in reports) else 1


def _remember(path: Path, report: Report) -> None:
    """Keep beside a learner's file what the learner has solved, and what is wrong for the hints."""
    progress = learning.progress_of(path)
    solved = [r.name for r in report.results.values() if r.verdict == "PASS" and not r.shipped]
    if solved:
        learning.kept(progress, report.lesson, solved=solved)
    wrong = {r.name: r.wrong for r in report.results.values() if r.verdict == "FAIL"}
    with contextlib.suppress(OSError):
        progress.note(report.lesson, wrong)


@contextlib.contextmanager
def _status(path: Path, show: bool) -> Iterator[Callable[[str], None]]:
    """Show on a terminal what is being done, in one line, which is gone at the end."""
    show = show and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def tell(what: str) -> None:
        if show:
            with contextlib.suppress(OSError):
                room = shutil.get_terminal_size().columns - 1
                print(f"\r\x1b[K{what[:room]}", end="", file=sys.stderr, flush=True)

    try:
        yield lambda what: tell(f"checking {path.name}: {what} ...")
    finally:
        tell("")


def _to_check(args: argparse.Namespace) -> list[Path]:
    """Return the files to check: one, or all lessons of a folder."""
    from minires.lessons.files import folder

    place: Path | None = args.file
    if args.number is not None or (place is not None and not place.is_dir()):
        return [_path(args)]
    place = folder() if place is None else place
    found = sorted(p for p in [*place.glob("*"), *place.glob("*/*")] if _is_handed_in(p))
    if not found:
        raise ValueError(
            f"no lessons in {place}: expected scripts or notebooks that are called lesson_... or "
            "have a Lesson(N) in them"
        )
    return found


def _is_handed_in(path: Path) -> bool:
    """Return whether a file of a folder is to be checked: by its name, or by its text."""
    if path.suffix not in (".py", ".ipynb") or path.parent.name[:1] in ("_", "."):
        return False
    if path.name.startswith("lesson_"):
        return True
    try:
        return path.is_file() and re.search(rb"\bLesson\(\s*\d", path.read_bytes()) is not None
    except OSError:
        return True  # it is said that it cannot be read


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

"""`minires lessons`: list, run, check, hint, copy, notebook."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser("lessons", help="list, run and check the lessons")
    actions = p.add_subparsers(title="actions", metavar="ACTION", required=True)

    def action(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
        found.set_defaults(run=function)
        return found

    def with_number(a: argparse.ArgumentParser) -> argparse.ArgumentParser:
        a.add_argument("number", type=int, metavar="N", help="the lesson's number")
        return a

    action("list", _list, "list the lessons")
    a = with_number(action("run", _run, "run a lesson as a script"))
    a.add_argument("--out", default="out/lessons", metavar="DIR", help="default: out/lessons")
    a.add_argument("--fast", action="store_true", help="smaller experiments, no questions")
    a.add_argument("parameters", nargs="*", metavar="NAME=VALUE", help="the lesson's parameters")
    a = with_number(action("check", _check, "check the exercises; exit 1 if one is not solved"))
    a.add_argument("--file", type=Path, help="your own copy of the lesson")
    a.add_argument("--json", action="store_true", help="print JSON")
    a = with_number(action("hint", _hint, "show hints"))
    a.add_argument("exercise", nargs="?", help="e.g. 2.1; default: all of the lesson")
    a = action("copy", _copy, "copy the lessons to a folder of your own")
    a.add_argument("folder", type=Path, metavar="DIR")
    a.add_argument("--student", action="store_true", help="without the solutions")
    a.add_argument("--force", action="store_true", help="overwrite existing files")
    a = with_number(action("notebook", _notebook, "write a lesson as a Jupyter notebook"))
    a.add_argument("-o", "--output", type=Path, help="default: the lesson's name in this folder")
    a.add_argument("--student", action="store_true", help="without the solutions")
    a.add_argument("--force", action="store_true", help="overwrite an existing file")


def _list(args: argparse.Namespace) -> int:
    from minires.lessons.files import lesson_files

    for f in lesson_files():
        needs = "" if f.needs == "-" else f"   after {f.needs}"
        print(f"{f.number:>2}  {f.title}   {f.minutes} min{needs}")
    return 0


def _run(args: argparse.Namespace) -> int:
    from minires.lessons.files import lesson_file

    path = lesson_file(args.number).path
    extra = {"MINIRES_OUT": args.out} | ({"MINIRES_FAST": "1"} if args.fast else {})
    with _environment(extra), _arguments(path, [f"--{p}" for p in args.parameters]):
        runpy.run_path(str(path), run_name="__main__")
    return 0


def _check(args: argparse.Namespace) -> int:
    from minires.lessons import kit
    from minires.lessons.files import lesson_file

    path = args.file or lesson_file(args.number).path
    if not path.is_file():
        raise ValueError(f"--file: there is no file {path}")
    kit.latest = None
    printed, failure = io.StringIO(), ""
    with _environment({"MINIRES_FAST": "1"}), _arguments(path, []):
        try:
            with contextlib.redirect_stdout(printed):
                runpy.run_path(str(path), run_name="__main__")
        except Exception as error:  # the learner's file may raise anything
            failure = f"{type(error).__name__}: {error}"
    lesson: Any = kit.latest
    if lesson is None:
        raise ValueError(f"{path} does not start a lesson: {failure or 'no Lesson(N) in it'}")
    if lesson.number != args.number:
        raise ValueError(f"{path} is lesson {lesson.number}, not {args.number}")
    done = {name: (passed, message) for name, passed, message in lesson.results}
    for name in lesson.exercises:
        done.setdefault(name, (False, "not reached"))
    solved = sum(passed for passed, _ in done.values())
    if args.json:
        found = {n: {"passed": p, "message": m} for n, (p, m) in done.items()}
        print(json.dumps({"lesson": args.number, "exercises": found, "stopped": failure or None}))
    else:
        for name, (passed, message) in done.items():
            print(f"[{'PASS' if passed else 'TODO'}] exercise {name}: {message}")
        if failure:
            print(f"the script stopped: {failure}")
        print(f"{solved} of {len(done)} solved")
    return 0 if solved == len(done) and not failure else 1


def _hint(args: argparse.Namespace) -> int:
    from minires.lessons.files import lesson_file
    from minires.lessons.kit import exercises

    lesson_file(args.number)
    found = exercises(args.number)
    if args.exercise is not None and args.exercise not in found:
        raise ValueError(f"lesson {args.number} has exercises {', '.join(found)}")
    for name, exercise in found.items():
        if args.exercise in (None, name):
            print(f"{name}: {exercise.hint}")
    return 0


def _copy(args: argparse.Namespace) -> int:
    from minires.lessons.files import lesson_files, student_version

    texts = {}
    for f in lesson_files():
        text = f.path.read_text()
        texts[args.folder / f.path.name] = student_version(text) if args.student else text
    _write(texts, args.force)
    return 0


def _notebook(args: argparse.Namespace) -> int:
    from minires.lessons.files import lesson_file, notebook, student_version

    path = lesson_file(args.number).path
    text = student_version(path.read_text()) if args.student else path.read_text()
    _write({args.output or Path(path.stem + ".ipynb"): notebook(text)}, args.force)
    return 0


def _write(texts: dict[Path, str], force: bool) -> None:
    from minires.results import write_text

    existing = [str(p) for p in texts if p.exists()]
    if existing and not force:
        raise ValueError(f"{', '.join(existing)} exists already; --force overwrites it")
    for path, text in texts.items():
        write_text(path, text)
        print(f"wrote {path}")


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


@contextlib.contextmanager
def _arguments(path: Path, arguments: list[str]) -> Any:
    before, sys.argv = sys.argv, [str(path), *arguments]
    try:
        yield
    finally:
        sys.argv = before

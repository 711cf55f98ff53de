"""`minires lessons run`: a lesson read on a terminal, cell by cell."""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import re
import shlex
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import console, environment
from . import desk, files, outline, parameters, prose
from .cells import Cell, Namespace, read
from .progress import Progress, Record, file_option, learners_folder, run_command

_SLOW = 1.0  # s: how long a slower cell took is remembered


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add how a lesson is shown, and its parameters."""
    parser.add_argument("--fast", action="store_true", help="smaller experiments, no questions")
    parser.add_argument("--full", action="store_true", help="larger experiments")
    parser.add_argument("--no-pause", action="store_true", help="wait at predictions only")
    parser.add_argument("--from-start", action="store_true", help="not where you left off")
    parser.add_argument("--ask-again", action="store_true", help="what you have predicted already")
    parser.add_argument("--code", action="store_true", help="show the code of the experiments")
    parser.add_argument(
        "parameters", nargs="*", default=[], metavar="NAME=VALUE", help="the lesson's parameters"
    )


def take_over(number: int, path: Path) -> NoReturn:
    """Read the lesson of a script that Python itself runs (`python lesson.py`), and exit."""

    def main() -> int:
        parser = argparse.ArgumentParser(
            prog=f"python {sys.argv[0]}", description=f"Lesson {number} on a terminal."
        )
        add_options(parser)
        args, others = parser.parse_known_args()
        args.parameters = [*args.parameters, *others]
        here = Path.cwd()
        shown = path.relative_to(here) if path.is_relative_to(here) else path
        try:
            return run(number, shown, args, f"python {shlex.quote(sys.argv[0])}")
        except (ValueError, TypeError, OSError, ImportError) as error:
            console.say(f"minires: error: {error}")
            return console.WRONG_CALL

    console.run(main)


def run(number: int, path: Path, args: argparse.Namespace, command: str) -> int:
    """Show a lesson and run it; `command` is what to type to go on later. Return the exit code."""
    try:
        cells = read(path)
    except SyntaxError as error:
        console.say("".join(traceback.format_exception_only(error)).rstrip())
        return 1
    code = "\n".join(cell.text for cell in cells if not cell.markdown)
    found = re.search(r"\bLesson\(\s*(\d+)", code)
    if found is None or int(found[1]) != number:
        what = f"is lesson {found[1]}, not {number}" if found else f"has no Lesson({number}) in it"
        raise ValueError(f"{path} {what}")
    kept = {"--full": args.full, "--no-pause": args.no_pause, "--code": args.code}
    kept |= dict.fromkeys(map(shlex.quote, args.parameters), True)
    command = " ".join([command, *(option for option, given in kept.items() if given)])
    return _Reading(number, path, args, command, cells).run()


def namespace(path: Path, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a lesson's code, without its prose and without waiting, and return its variables.

    `arguments` are those of a script: "depths=8", "--full". For tests and tables.
    """
    program, before = Namespace(path), desk.in_runner
    desk.in_runner = desk.Desk()
    try:
        with program.entered(arguments) as variables:
            for i, cell in enumerate(read(path)):
                desk.in_runner.cell = i
                if not cell.markdown:
                    program.run(cell)
    finally:
        desk.in_runner = before
    return variables


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


class _Reading:
    """One reading of a lesson."""

    def __init__(
        self, number: int, path: Path, args: argparse.Namespace, command: str, cells: list[Cell]
    ) -> None:
        self.number, self.path, self.args, self.cells = number, path, args, cells
        self.command = command
        lesson = files.lesson_file(number)
        self.lesson, self.ours = lesson, path.resolve() == lesson.path.resolve()
        self.progress = Progress(learners_folder(path))
        self.program = Namespace(path)
        self.fast = args.fast or environment.switch("MINIRES_FAST")
        self.reads = desk.is_terminal() and not self.fast  # somebody, who may go on later
        self.desk = desk.Terminal() if self.reads else desk.Desk()
        if isinstance(self.desk, desk.Terminal):
            self.desk.pauses = not args.no_pause
            self.desk.ways_out += ", q stops"
        self.desk.again = args.ask_again
        self.took: dict[str, float] = {}
        self.at = 0

    def run(self) -> int:
        """Read it to the end, or until the learner stops. Return the exit code."""
        place = self.progress.of(self.number).place if self.reads else ""
        headings = [cell.heading for cell in self.cells]
        again = place in headings and place != "" and not self.args.from_start
        first = headings.index(place) if again else 0
        switches = [name for name in parameters.SWITCHES if getattr(self.args, name[2:])]
        before, desk.in_runner = desk.in_runner, self.desk
        try:
            with self.program.entered([*switches, *self.args.parameters]):
                self.introduce(headings[first] if first else "")
                self.again(self.cells[:first])
                self.at = first
                while self.at < len(self.cells):
                    cell, self.desk.cell = self.cells[self.at], self.at
                    self.prose(cell) if cell.markdown else self.code(cell)
                    self.at += 1
                self.finish()
        except desk.Quit:
            print(f"Stopped. To go on here: {self.command}")
            return 0
        except KeyboardInterrupt:
            print(flush=True)
            console.say(
                f"interrupted; to go on here: {self.command}" if self.reads else "interrupted"
            )
            return console.INTERRUPTED
        except _Failed as failed:
            console.say(f"The lesson stops at {failed}. When it is mended: {self.command}")
            return 1
        finally:
            desk.in_runner = before
        return 0

    def introduce(self, place: str) -> None:
        """Say what comes, and where it goes on."""
        lesson = self.lesson
        parts = [f"{lesson.minutes} minutes with the exercises"]
        if lesson.seconds:
            parts.append(f"{lesson.seconds} s of computing")
        if lesson.needs != "-":
            parts.append(f"after {lesson.needs}")
        self.note(f"Lesson {self.number}: {', '.join(parts)}.")
        if self.ours:
            copy = Path(lesson.path.name)
            yours = f"minires lessons copy . {self.number} --student makes a file of your own"
            if copy.exists():
                yours = (
                    f"minires lessons run {self.number} --file {copy} reads the one that is here"
                )
            self.note(f"Solutions shown, as minires has them. To solve the exercises: {yours}.")
        if not self.reads:
            why = "In fast mode" if self.fast else "Without a terminal"
            self.note(f"{why} nothing waits: nobody is asked to predict, results follow at once.")
            self.desk.told = True
        if place:
            self.note(
                f"Going on at {_plain(place)!r}; the code before it runs again, without its prose"
                " (--from-start shows it)."
            )

    def again(self, cells: Sequence[Cell]) -> None:
        """Run code that was read before, without showing anything."""
        desk.in_runner = silent = desk.Desk()
        silent.verdicts = self.desk.verdicts
        with contextlib.redirect_stdout(_Nowhere()):
            for i, cell in enumerate(cells):
                silent.cell = i
                if not cell.markdown:
                    self.execute(cell)
        desk.in_runner = self.desk

    def prose(self, cell: Cell) -> None:
        """Show prose; a heading waits until what comes before it was read."""
        if cell.heading:
            self.desk.pause("goes on")
            if self.reads:
                self.progress.change(self.number, place=cell.heading, seconds=self.took)
        self.desk.show(cell.text)

    def code(self, cell: Cell) -> None:
        """Run code, after saying what runs."""
        found = outline.exercise(cell)
        if self.args.code or "show" in cell.tags:
            self.listing(cell.text.splitlines())
        elif found is not None:
            self.exercise(cell, found[1])
        elif what := outline.description(cell):
            record = self.progress.of(self.number) if self.reads else Record()
            before = record.seconds.get(outline.key(cell))
            usually = f", about {before:.0f} s" if before else ""
            print()
            self.note(f"running: {what} ({outline.lines(cell)}{usually})")
        elif not outline.begins_with_prose(cell):
            print()
        self.desk.rested = False
        start = time.perf_counter() - self.desk.waited
        self.execute(cell)
        if (seconds := time.perf_counter() - self.desk.waited - start) > _SLOW:
            self.took[outline.key(cell)] = round(seconds, 1)
        if found is not None and not self.ours:
            self.repeat(found[0])

    def repeat(self, name: str) -> None:
        """Check an exercise again, in the file as it is then, while the learner wants that."""
        while self.desk.verdicts.get(name) != "PASS":
            if not self.desk.pause("goes on", "c checks again what you have saved"):
                return
            try:
                cells = read(self.path)
                at = next(
                    (i for i, c in enumerate(cells) if (outline.exercise(c) or "")[:1] == (name,)),
                    None,
                )
                if at is None:
                    print(f"{self.path} has no exercise {name}")
                    continue
                self.cells, self.at = cells, at  # and goes on behind it
                self.desk.rested = False
                self.execute(cells[at])
            except SyntaxError as error:
                console.say("".join(traceback.format_exception_only(error)).rstrip())
            except _Failed:
                pass

    def exercise(self, cell: Cell, function: ast.FunctionDef | ast.ClassDef) -> None:
        """Show what is to be written, and where; of minires' own solutions the code too."""
        lines = cell.text.splitlines()
        body = function.body[0]
        docstring = isinstance(body, ast.Expr) and isinstance(body.value, ast.Constant)
        head = (body.end_lineno or body.lineno) if docstring else body.lineno - 1
        self.listing(lines[function.lineno - 1 : head])
        if not self.ours:
            self.note(f"write yours in {cell.where}")
            return
        self.desk.pause("shows the solution")
        self.listing([x for x in lines[head:] if "SOLUTION" not in x], first=False)

    def execute(self, cell: Cell) -> None:
        """Run a cell; an error in a learner's file is shown with the learner's lines."""
        try:
            self.program.run(cell)
        except (desk.Quit, KeyboardInterrupt, console.OutputLost):
            raise
        except SystemExit as stop:  # the kit's messages: a wrong parameter, no space
            if isinstance(stop.code, str):
                raise ValueError(stop.code.removeprefix("minires: error: ")) from None
            console.say(f"{cell.where}: it calls exit, which ends the whole program")
            raise _Failed(cell.where) from None
        except BaseException as error:
            if self.ours:
                raise
            sys.stdout.flush()
            console.say(_told(error, cell.file))
            raise _Failed(cell.where) from None

    def listing(self, lines: Sequence[str], first: bool = True) -> None:
        """Show code."""
        look = desk.look()
        text = "\n".join(f"    {look.paint(x, 'code')}" if x else "" for x in lines)
        print(("\n" if first else "") + text.strip("\n"))

    def note(self, text: str) -> None:
        """Print a remark of the runner, which is no part of the lesson."""
        look = desk.look()
        for line in prose.wrapped(text, look.width).split("\n"):
            print(look.paint(line, "dim"), flush=True)

    def finish(self) -> None:
        """Say what is solved and what comes next."""
        if self.reads:
            self.progress.change(self.number, place="", read=True, seconds=self.took)
        print()
        after = [f.number for f in files.lesson_files() if f.number > self.number]
        following = f" Next: {run_command(after[0], learners_folder(self.path))}." if after else ""
        verdicts = self.desk.verdicts
        todo = [name for name, verdict in verdicts.items() if verdict != "PASS"]
        if self.ours:
            said = "The exercises were shown with the solutions of minires."
        elif todo:
            hint = f"minires lessons hint {self.number} {todo[0]}{file_option(self.path)}"
            said = f"Still to do: {', '.join(todo)} ({hint})."
        else:
            said = "All exercises are solved." if verdicts else ""
        self.note(f"End of lesson {self.number}. {said}{following}")


class _Failed(Exception):
    """A learner's code has raised, at this place; it was said how."""


def _plain(heading: str) -> str:
    return prose.inline(heading, prose.Look(scripts=desk.look().scripts))


def _told(error: BaseException, file: str) -> str:
    """Return a traceback that begins in the learner's file."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != file:
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames)).rstrip()

"""Where the learner sits: at a terminal, at a notebook, or nowhere (a pipe, a test, a check).

A desk shows Markdown, asks, and waits before a result. `current()` finds out which one it is; the
runner of lessons puts its own, which also pauses.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import results
from . import prose
from .questions import Question

if TYPE_CHECKING:
    from .exercise import Result


class Quit(BaseException):
    """The learner wants to stop here and to go on later."""


class Desk:
    """Nobody is there to answer: text is printed, questions are not asked, nothing waits."""

    asks = False  # whether somebody may answer
    rested = True  # whether a key was pressed since something new was shown
    waited = 0.0  # seconds that the learner has thought
    told = False  # whether somebody was told how to predict without being asked
    again = False  # whether what was answered before is asked again
    ways_out = "Enter skips"  # what else than an answer a question takes
    cell = 0  # the runner counts the cells here
    narrow = False  # whether figures are also written for narrow screens

    def __init__(self) -> None:
        self.verdicts: dict[str, str] = {}  # of the exercises that were reached

    def place(self) -> int:
        """Return a number that is another one in another cell."""
        return self.cell

    def show(self, markdown: str) -> None:
        """Show Markdown."""
        print("\n" + prose.render(inspect.cleandoc(markdown), look()), flush=True)

    def table(self, rows: results.Rows) -> None:
        """Show rows as a table."""
        print(results.table(rows))

    def figure(self, figure: Any, name: str, alt: str) -> bool:
        """Show a figure without files, on a page in a browser; False: it is to be written.

        `alt` says what it shows.
        """
        return False

    def image(self, path: Path, alt: str) -> None:
        """Show a figure that was written, where that is possible; `alt` says what it shows."""

    def ask(self, question: Question, prompt: str) -> float | str | None:
        """Return the learner's answer, None if there is none."""
        return None

    def answered(self, text: str | None, question: Question, prompt: str) -> float | str | None:
        """Return what a text answers, None if nothing; ask again if it is of the wrong type."""
        if text is None or not text.strip():
            return None
        answer = question.read(text)
        if answer is None:
            print(f"  expected {question.expected}; got {text.strip()!r}")
            return self.ask(question, prompt)
        return answer

    def pause(self, what: str, also: str = "") -> bool:
        """Wait until the learner wants to see what comes next; True for what is offered `also`."""
        return False

    def judged(self, result: Result, lesson: int, file: str | None) -> None:
        """Show the verdict of an exercise."""
        print(result.line(lesson, file))


class Terminal(Desk):
    """Somebody reads and types on a terminal."""

    asks = True
    pauses = False

    def show(self, markdown: str) -> None:
        """Show Markdown."""
        self.rested = False
        super().show(markdown)

    def line(self, prompt: str) -> str | None:
        """Return the line that is typed; None after Ctrl-D.

        What was typed before the prompt, such as an impatient Enter, answers nothing.
        """
        start = time.perf_counter()
        _forget_typed()
        try:
            return input(prompt)
        except EOFError:
            return None
        finally:
            self.waited += time.perf_counter() - start

    def ask(self, question: Question, prompt: str) -> float | str | None:
        """Ask until there is an answer of the right type.

        Enter and Ctrl-D skip the question; in a reading, q stops.
        """
        self.rested = True
        text = self.line(f"  {prompt} ")
        if text is None:
            print("(skipped)")
        elif text.strip().lower() == "q" and self is in_runner:
            raise Quit
        return self.answered(text, question, prompt)

    def pause(self, what: str, also: str = "") -> bool:
        """Wait for Enter; `q` raises Quit, and after Ctrl-D nothing pauses any more.

        `also` is offered too, by its first letter: "c checks again".
        """
        if not self.pauses or (self.rested and not also):
            return False
        self.rested = True
        offered = ", ".join(filter(None, [f"Enter {what}", also, "q stops"]))
        key = self.line(look().paint(f"[{offered}] ", "dim"))
        if key is None:
            self.pauses = False
            print("(no more pauses)")
            return False
        key = key.strip().lower()
        if look().colour and len(offered) + 4 < look().width:
            print("\x1b[1A\x1b[2K", end="", flush=True)  # the line of the pause goes
        if key == "q":
            raise Quit
        return also != "" and key == also[0]


class Notebook(Desk):
    """A Jupyter kernel, whose front end may be able to ask, runs cells."""

    asks = True

    def place(self) -> int:
        """Return how many cells were run."""
        ipython: Any = importlib.import_module("IPython")
        return int(getattr(ipython.get_ipython(), "execution_count", 0))

    def show(self, markdown: str) -> None:
        """Display Markdown."""
        shown: Any = importlib.import_module("IPython.display")
        shown.display(shown.Markdown(inspect.cleandoc(markdown)))

    def image(self, path: Path, alt: str) -> None:
        """Display a figure, with words for those who do not see it."""
        shown: Any = importlib.import_module("IPython.display")
        shown.display(shown.Image(filename=str(path), alt=alt))

    def ask(self, question: Question, prompt: str) -> float | str | None:
        """Ask where the front end can."""
        try:
            text: Any = input(f"{prompt} ")
        except (EOFError, OSError, RuntimeError):  # StdinNotImplementedError is a RuntimeError
            return None
        if not isinstance(text, str):  # a promise, in some browsers
            getattr(text, "close", lambda: None)()
            return None
        return self.answered(text, question, prompt)

    def judged(self, result: Result, lesson: int, file: str | None) -> None:
        """Show the verdict of an exercise, with the hint that a cell can call."""
        command = f"minires lessons hint {lesson} {result.name}"
        print(result.line(lesson, file).replace(command, f'lesson.hint("{result.name}")'))


def _forget_typed() -> None:
    try:
        import termios
    except ImportError:  # Windows
        return
    with contextlib.suppress(termios.error, OSError, ValueError, AttributeError):
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


in_runner: Desk | None = None  # the desk of the runner of lessons, while it runs
_NOBODY, _TERMINAL, _NOTEBOOK = Desk(), Terminal(), Notebook()


def in_notebook() -> bool:
    """Return whether a Jupyter kernel runs this (a notebook, or cells in an editor).

    A program that has only imported a kernel's package, e.g. to run notebooks, is none.
    """
    if not {"ipykernel", "pyodide_kernel"} & sys.modules.keys():
        return False
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def is_terminal() -> bool:
    """Return whether somebody reads what is printed and can type."""
    try:
        return sys.stdin.isatty() and sys.stdout.isatty()
    except (AttributeError, ValueError):  # no such stream, or a closed one
        return False


def current() -> Desk:
    """Return the desk where the learner sits."""
    if in_runner is not None:
        return in_runner
    return _NOTEBOOK if in_notebook() else _TERMINAL if is_terminal() else _NOBODY


def look() -> prose.Look:
    """Return how text is shown on standard output.

    As wide as the terminal, 88 columns at most; colours on a terminal that knows them, unless
    NO_COLOR is set.
    """
    terminal = sys.stdout.isatty() and (os.name != "nt" or "WT_SESSION" in os.environ)
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    try:
        "ₗ∂".encode(sys.stdout.encoding or "ascii")
        scripts = True
    except (UnicodeError, LookupError):
        scripts = False
    columns = shutil.get_terminal_size((prose.WIDEST, 24)).columns
    return prose.Look(max(20, min(columns, prose.WIDEST)), colour, scripts)

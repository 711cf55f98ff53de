"""A lesson whose cells a page runs, in a browser: what it calls, and the desk where it shows.

    connect(emit)                             emit(kind, **fields) shows: text, markdown, figure ...
    call("start", '[2, {"solved": ["2.1"]}]') lesson 2, with the progress that the page has kept
    call("run", '["print(1)", 3]')            {"state": "done"}, or "error", "asks", "needs"
    call("answer", '["0.5"]')                 goes on with the statement that asked

A browser's Python cannot wait for an answer. So a cell runs statement by statement; one that asks,
or that needs a package which is not loaded, stops there and is run again with the answer.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import json
import linecache
import logging
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import copies, desk, files, html
from .cells import Namespace, remember
from .exercise import Result
from .kit import exercises
from .progress import Progress
from .questions import Question

Emit = Callable[..., None]
PACKAGES = ("matplotlib", "PIL")  # what a page loads when it is first imported
ELSEWHERE = {"measure": "minires.experiments.explorable"}


class Asking(BaseException):
    """A statement asks, and the answer is not there."""

    def __init__(self, question: Question) -> None:
        self.question = question


class Page(desk.Desk):
    """Somebody reads a page: everything is given to it, in order."""

    asks, told, ways_out = True, True, "skip it"

    def __init__(self, emit: Emit) -> None:
        super().__init__()
        self.answers: dict[str, float | str | None] = {}  # None: skipped
        self.shown = 0  # outputs of the cell that runs
        self.give = emit

    def emit(self, kind: str, **fields: Any) -> None:
        """Give the page something to show, behind what was printed before it."""
        sys.stdout.flush()
        self.shown += 1
        self.give(kind, **fields)

    def show(self, markdown: str) -> None:
        """Show Markdown."""
        self.emit("markdown", html=html.render(inspect.cleandoc(markdown)))

    def figure(self, figure: Any, name: str, alt: str) -> bool:
        """Show a figure, as SVG: a PNG would take as long again."""
        from matplotlib import rc_context

        text = io.StringIO()
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
            figure.savefig(text, format="svg", metadata={"Date": None})
        svg = text.getvalue()
        self.emit("figure", svg=svg[svg.index("<svg") :], alt=alt, name=name)
        return True

    def ask(self, question: Question, prompt: str) -> float | str | None:
        """Return the answer that the page has given; stop the cell where it has given none."""
        if question.key not in self.answers:
            raise Asking(question)
        return self.answers[question.key]

    def judged(self, result: Result, lesson: int, file: str | None) -> None:
        """Show a verdict with the learner's own line; the page has buttons for hints."""
        where = f"your {result.where}" if result.verdict == "FAIL" and result.lineno else ""
        self.emit(
            "verdict", name=result.name, verdict=result.verdict, message=result.message, where=where
        )


class _Printed(io.TextIOBase):
    """Standard output, which gives whole lines to the page."""

    def __init__(self, page: Page) -> None:
        self.page, self.waiting = page, ""

    def write(self, text: str) -> int:
        self.waiting += text
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        text, self.waiting = self.waiting, ""
        if text:
            self.page.shown += 1
            self.page.give("text", text=text)


class Session:
    """A lesson on a page: its variables, and the statements of a cell that are still to be run."""

    def __init__(self, page: Page, number: int) -> None:
        self.page, self.number = page, number
        self.program = Namespace(Path(files.lesson_file(number).path.name))
        sys.modules["__main__"], sys.argv = self.program.module, [str(self.program.path)]
        self.left: list[ast.stmt] = []
        self.file, self.seconds = "", 0.0
        self.asked: Question | None = None
        self.asked_in: dict[str, int] = {}  # key -> cell

    def run(self, code: str, cell: int) -> dict[str, Any]:
        """Run a cell from its first statement on, which asks once more what was skipped."""
        for key in [k for k, asker in self.asked_in.items() if asker == cell]:
            self.page.answers.pop(key, None)
        self.file, self.seconds = f"cell {cell}", 0.0
        self.page.cell, self.page.shown = cell, 0
        remember(self.file, code)
        try:
            self.left = ast.parse(code, self.file).body
        except SyntaxError as error:
            return self._failed(error)
        return self.go_on()

    def go_on(self) -> dict[str, Any]:
        """Run the statements that are left."""
        begun = time.perf_counter()
        kept = self.page.shown
        try:
            while self.left:
                sys.stdout.flush()
                kept = self.page.shown
                self._execute(self.left[0], last=len(self.left) == 1)
                del self.left[0]
        except Asking as asking:
            self.asked = asking.question
            self.asked_in.setdefault(self.asked.key, self.page.cell)
            self._undo(kept)
            return {"state": "asks", "question": self._question()}
        except BaseException as error:  # a learner's code may raise anything, SystemExit included
            if isinstance(error, ModuleNotFoundError) and error.name in PACKAGES:
                self._undo(kept)
                return {"state": "needs", "package": error.name}
            return self._failed(error)
        finally:
            sys.stdout.flush()
            self.seconds += time.perf_counter() - begun
        return {"state": "done", "seconds": round(self.seconds, 2)}

    def _undo(self, kept: int) -> None:
        """Take back what a statement has shown that will be run once more."""
        sys.stdout.flush()
        self.page.shown = kept
        self.page.give("keep", keep=kept)

    def answer(self, given: str | None) -> dict[str, Any]:
        """Take the answer, None for none, and go on; say what was expected if it is none."""
        if self.asked is None:
            raise RuntimeError("nothing was asked")
        read = None if given is None else self.asked.read(given)
        if given is not None and read is None:
            text = f"expected {self.asked.expected}; got {given!r}"
            return {"state": "asks", "question": self._question() | {"complaint": text}}
        self.page.answers[self.asked.key] = read
        self.asked = None
        return self.go_on()

    def _question(self) -> dict[str, Any]:
        q = self.asked
        return (
            {} if q is None else {"key": q.key, "html": html.inline(q.text), "choices": q.choices}
        )

    def _execute(self, node: ast.stmt, last: bool) -> None:
        """Run a statement; the value of an expression at the end is shown, as a notebook does."""
        shows = last and isinstance(node, ast.Expr) and not _of_the_kit(node.value)
        self.program.execute(
            ast.Interactive([node]) if shows else ast.Module([node], []), self.file
        )

    def _failed(self, error: BaseException) -> dict[str, Any]:
        """Return what is told of an exception: first the learner's own line, then all of it."""
        self.left = []
        if isinstance(error, SystemExit):  # the kit's own messages
            return {"state": "error", "message": str(error), "line": 0, "source": "", "trace": ""}
        trace, line = error.__traceback__, 0
        while trace is not None and trace.tb_frame.f_code.co_filename != self.file:
            trace = trace.tb_next
        for frame, number in traceback.walk_tb(trace):
            if frame.f_code.co_filename == self.file:
                line = number
        if isinstance(error, SyntaxError) and error.filename == self.file:
            line = error.lineno or 0
        return {
            "state": "error",
            "message": traceback.format_exception_only(error)[-1].strip(),
            "line": line,
            "source": linecache.getline(self.file, line).strip(),
            "trace": "".join(traceback.format_exception(type(error), error, trace)).rstrip(),
        }


def _of_the_kit(value: ast.expr) -> bool:
    """Return whether an expression is `lesson.predict(...)` or the like, which shows by itself."""
    function = value.func if isinstance(value, ast.Call) else None
    owner = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id == "lesson"


_page = Page(lambda kind, **fields: None)
_session: Session | None = None


def connect(emit: Emit) -> None:
    """Show everything through `emit` from now on, what is printed too.

    An output of the kind "keep" takes back those of the cell after the first `keep`.
    """
    global _page
    _page = desk.in_runner = Page(emit)
    sys.stdout = sys.stderr = _Printed(_page)
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # how it finds fonts


def start(number: int, known: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Begin a lesson, or begin it again, with the progress that a page has kept; its exercises."""
    global _session
    record, known = asdict(Progress(Path()).of(number)), known or {}
    usable = {k: v for k, v in known.items() if type(record.get(k)) is type(v)}
    Progress(Path()).change(number, **usable)
    _page.answers.clear()
    _session = Session(_page, number)
    return [{"name": name, "hints": len(e.hints)} for name, e in exercises(number).items()]


def _now() -> Session:
    if _session is None:
        raise RuntimeError("no lesson was started")
    return _session


def progress() -> dict[str, Any]:
    """Return what was done of the lesson, for a page to keep."""
    return asdict(Progress(Path()).of(_now().number))


def know(predictions: Mapping[str, str]) -> None:
    """Take predictions that were made on the page."""
    Progress(Path()).change(_now().number, predictions=dict(predictions))


def hint(name: str) -> dict[str, Any]:
    """Return the next hint of an exercise; after the last one, the last."""
    number = _now().number
    hints = exercises(number)[name].hints
    shown = min(Progress(Path()).of(number).hints.get(name, 0) + 1, len(hints))
    Progress(Path()).change(number, hints={name: shown})
    return {"shown": shown, "of": len(hints), "html": html.render(hints[shown - 1])}


def solution(name: str) -> str:
    """Return the cell of an exercise with its solution, and note that it was looked up."""
    number = _now().number
    Progress(Path()).change(number, solutions=[name])
    return copies.cell(number, name)


def call(name: str, arguments: str) -> str:
    """Call a function of this file, or one of `ELSEWHERE`; arguments and result are JSON."""
    mine: dict[str, Callable[..., Any]] = {
        "start": start,
        "run": lambda code, cell=0: _now().run(code, cell),
        "answer": lambda given: _now().answer(given),
        "go_on": lambda: _now().go_on(),
        "know": know,
        "progress": progress,
        "hint": hint,
        "solution": solution,
    }
    found = mine.get(name) or getattr(importlib.import_module(ELSEWHERE[name]), name)
    return json.dumps(found(*json.loads(arguments)))

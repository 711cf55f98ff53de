"""What a lesson script uses: parameters, predictions, exercises, tables and figures."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib
import inspect
import json
import math
import os
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import console, environment, plotting, results
from . import figures, files
from .exercise import Exercise, Result, examine, number, time_limit

latest: Lesson | None = None  # the lesson that ran last, for `minires lessons check`
on_exercise: Callable[[str, Result | None], None] | None = None  # told before and after each
OF_MINIRES = "ok (the solution that comes with minires)"


def in_notebook() -> bool:
    """Return whether a Jupyter kernel runs this (a notebook, or cells in an editor)."""
    return "ipykernel" in sys.modules


class Lesson:
    """One run of a lesson. Make it first: `lesson = Lesson(2)`.

    Files go to `out/lessons` (MINIRES_OUT), predictions to `answers/L02.json` (MINIRES_ANSWERS);
    a folder that cannot be written ends the script before the work. MINIRES_FAST=1 takes the
    smaller parameters that tests use, MINIRES_CHECK=1 asks and writes nothing.
    """

    def __init__(self, number: int) -> None:
        global latest
        self.number = number
        self.results: list[Result] = []
        self._questions: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._hinted: dict[str, int] = {}
        console.take_any_text()
        with _as_exit():
            self.checking = environment.switch("MINIRES_CHECK")
            self.fast = self.checking or environment.switch("MINIRES_FAST")
            time_limit()
            self.full = environment.switch("MINIRES_FULL") or "--full" in sys.argv[1:]
        self.out = Path(os.environ.get("MINIRES_OUT") or "out/lessons")
        self.answers = Path(os.environ.get("MINIRES_ANSWERS") or "answers") / f"L{number:02d}.json"
        self.exercises = exercises(number)
        if not self.checking:
            with _as_exit():
                results.folder(self.out)
        latest = self

    def params(
        self,
        fast: dict[str, Any] | None = None,
        full: dict[str, Any] | None = None,
        **defaults: Any,
    ) -> types.SimpleNamespace:
        """Return the parameters: the defaults, `fast` or `full` ones, then `--name=value`.

        Numbers are positive, and a tuple takes one value or several: `--depths=8` or `=8,20`.
        Arguments are ignored in a notebook, whose command line is not the learner's. An unknown
        name or a value of another type ends the script with a message that lists the parameters.
        """
        values = dict(defaults) | ((fast or {}) if self.fast else (full or {}) if self.full else {})
        for argument in [] if in_notebook() else sys.argv[1:]:
            if argument == "--full":
                continue
            name, _, text = argument.removeprefix("--").partition("=")
            if not argument.startswith("--") or not text or name not in defaults:
                known = ", ".join(f"{k}={_shown(v)}" for k, v in defaults.items())
                raise SystemExit(f"unknown parameter {argument.removeprefix('--')!r}; {known}")
            values[name] = _parse(name, text, defaults[name])
        return types.SimpleNamespace(**values)

    def predict(
        self,
        key: str,
        question: str,
        choices: Sequence[str] = (),
        mine: float | str | None = None,
    ) -> Any:
        """Record what the learner predicts, a number or one of the choices; None if nothing.

        It is `mine` if given, else the one recorded before, else asked for on a terminal.
        """
        recorded = self._recorded()
        self._questions[key] = question, tuple(choices)
        self.say(f"**Prediction {key}:** {question}")
        if mine is None and key in recorded:
            print(f"  your prediction, recorded before: {recorded[key]}")
            return recorded[key]
        if mine is not None and _answer(mine, choices) is None:
            raise SystemExit(f"prediction {key}: expected {_expected(choices)}; got {mine!r}")
        if mine is None and not self.fast and not in_notebook():
            mine = _ask(choices)
        if mine is None:
            print("  no prediction yet: set `mine=…` in this call, and run it again")
            return None
        return self._record(key, _answer(mine, choices))

    def _record(self, key: str, mine: Any) -> Any:
        if not self.checking:
            with _as_exit():
                found = self._recorded() | {key: mine}
                results.write_text(self.answers, results.to_json(found))
            print(f"  recorded in {self.answers}: {mine}")
        return mine

    def _recorded(self) -> dict[str, Any]:
        try:
            found = json.loads(results.read_text(self.answers))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SystemExit(
                f"{self.answers} cannot be read ({error}); mend or remove it"
            ) from None
        if not isinstance(found, dict):
            raise SystemExit(f"{self.answers} should hold a JSON object; mend or remove it")
        return found

    def reveal(self, key: str, measured: str, value: float | str | None = None) -> None:
        """Print what was measured beside what was predicted; call it before showing the result.

        Asks first if nothing was predicted. `value`, the measured number or the right choice, lets
        it say how far off the prediction is.
        """
        if key not in self._questions:
            raise ValueError(f"reveal({key!r}): there was no predict({key!r}, ...) before")
        choices = self._questions[key][1]
        mine = self._recorded().get(key)
        if mine is None and not self.fast and not in_notebook():
            mine = _ask(choices)
            if mine is not None:
                self._record(key, _answer(mine, choices))
        print(f"Prediction {key}: measured {measured}; predicted {'-' if mine is None else mine}")
        if isinstance(value, str) and mine is not None:
            print("  right" if mine == value else f"  not so: {value}")

    def say(self, markdown: str) -> None:
        """Show Markdown, with formulas: rendered in a notebook and on a terminal."""
        text = inspect.cleandoc(markdown)
        if in_notebook():
            from IPython.display import Markdown, display  # type: ignore[import-not-found]

            display(Markdown(text))
        else:
            print(text)

    def hint(self, name: str) -> None:
        """Show the next hint of an exercise."""
        found = self._exercise(name)
        hints = found.hints
        shown = self._hinted[name] = min(self._hinted.get(name, 0) + 1, len(hints))
        self.say(f"Hint {shown} of {len(hints)} for exercise {name}: {hints[shown - 1]}")

    def _exercise(self, name: str) -> Exercise:
        if name not in self.exercises:
            raise ValueError(f"lesson {self.number} has exercises {', '.join(self.exercises)}")
        return self.exercises[name]

    def exercise(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Check the decorated function at once, print the verdict, and return it if it passes.

        If it does not, the reference solution is returned instead, so that the lesson goes on.
        """
        found = self._exercise(name)

        def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
            if on_exercise:
                on_exercise(name, None)
            result = examine(name, found, f)
            if result.verdict == "PASS" and self._is_ours(f):
                result = replace(result, message=OF_MINIRES)
            self.results.append(result)
            if on_exercise:
                on_exercise(name, result)
            print(result.line(self.number))
            if result.verdict == "PASS":
                return f
            return self._stand_in(name, found.reference)

        return decorate

    def _stand_in(self, name: str, reference: Callable[..., Any]) -> Callable[..., Any]:
        """Return the reference solution, which says so when it is first used."""
        said = False

        @functools.wraps(reference)
        def solution(*arguments: Any, **named: Any) -> Any:
            nonlocal said
            if not said:
                print(f"exercise {name}: shown with the reference solution; yours is still to do")
            said = True
            return reference(*arguments, **named)

        return solution

    def _is_ours(self, f: Callable[..., Any]) -> bool:
        """Return whether the function is still the solution of the lesson's file."""
        with contextlib.suppress(OSError, TypeError, ValueError):
            text = inspect.getsource(f)
            lesson = files.lesson_file(self.number).path
            return "BEGIN SOLUTION" in text and text in results.read_text(lesson)
        return False

    def table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Print rows (dictionaries with the same keys) as a table."""
        print(results.table(rows))

    def curves(self, name: str, statement: str, at: Any, curves: Mapping[str, Any], *, x: str,
               y: str, **options: Any) -> None:  # fmt: skip
        """Draw curves over seeds, with bands, and write them as PNG, SVG and CSV.

        `curves` maps a label to values (seeds, points) at the places `at` (points,), or the title
        of a panel to such a mapping. x, y: full words with units. The title is the statement;
        seeds and bands are explained below the figure. Nets named plain or residual have their
        fixed colours. Options: `log` "", "x", "y", "xy"; `reverse` x; `highlight`, the labels
        that matter; `centre` "mean", "geometric", "median"; `band` "range", "deviation"; `marks`
        and `levels`, text → x or y of a thin line; `note`, a sentence below.
        """
        several = all(isinstance(v, Mapping) for v in curves.values())
        panels = curves if several else {"": curves}
        if not self.checking:
            figure = figures.curves(statement, at, panels, x=x, y=y, **options)
            self._show(figure, name, statement, figures.curve_rows(at, panels, x, y))

    def bars(self, name: str, statement: str, values: Mapping[str, Sequence[float | None]], *,
             x: str, **options: Any) -> None:  # fmt: skip
        """Draw a bar per label over its seeds' values, and write them as PNG, SVG and CSV.

        None is a run that diverged. Options: `highlight`, the labels that matter; `form`, the
        format of the mean beside its bar, e.g. "{:.1f} %"; `note`, a sentence below.
        """
        if not self.checking:
            figure = figures.bars(statement, values, x=x, **options)
            self._show(figure, name, statement, figures.bar_rows(values, x))

    def _show(self, figure: Any, name: str, statement: str, rows: Sequence[dict[str, Any]]) -> None:
        stem = self.out / f"L{self.number:02d}_{name}"
        with _as_exit():
            paths = plotting.save_figure(figure, stem, statement)
            table = stem.with_name(stem.name + ".csv")
            paths.append(results.write_text(table, results.to_csv(rows)))
        if in_notebook():
            from IPython.display import Image, display

            display(Image(filename=str(paths[0])))
        print(f"figure: {statement}\n  " + " ".join(str(p) for p in paths))


def exercises(number: int) -> dict[str, Exercise]:
    """Return the exercises of a lesson by name."""
    module = importlib.import_module(f"minires.lessons.checks.lesson_{number:02d}")
    found: dict[str, Exercise] = module.EXERCISES
    return found


@contextlib.contextmanager
def _as_exit() -> Any:
    """End the script with the message of a failed write or a wrong variable, without traceback."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise SystemExit(f"minires: error: {error}") from None


def _ask(choices: Sequence[str] = ()) -> Any:
    """Ask for an answer on a terminal until there is one; None where nobody answers."""
    for i, choice in enumerate(choices, 1):
        print(f"  {i}) {choice}")
    try:
        while sys.stdin.isatty():
            text = input(f"  your prediction, {_expected(choices)} (Enter to skip): ").strip()
            if not text or _answer(text, choices) is not None:
                return _answer(text, choices) if text else None
            print(f"  expected {_expected(choices)}; got {text!r}")
    except EOFError:
        print()
    except (AttributeError, ValueError):  # no input, or a closed one
        pass
    return None


def _expected(choices: Sequence[str]) -> str:
    return " or ".join(map(repr, choices)) if choices else "a number, e.g. 0.5 or 1e-8"


def _answer(given: Any, choices: Sequence[str]) -> Any:
    """Return an answer as it is recorded: a number, or one of the choices; None if it is neither.

    A choice is given by its words or by its place, counted from 1.
    """
    if not choices:
        return number(given)
    found = [c for i, c in enumerate(choices, 1) if str(given).lower() in (c.lower(), str(i))]
    return found[0] if found else None


def _parse(name: str, text: str, default: Any) -> Any:
    """Return a parameter's value; SystemExit says what was expected, by an example."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = text
    several = isinstance(default, tuple)
    items = tuple(value) if several and isinstance(value, tuple | list) else (value,)
    kind = type(default[0] if several else default)
    right = [type(v) is kind or (kind is float and type(v) is int) for v in items]
    if not items or not all(right) or (kind in (int, float) and not 0 < min(items) < math.inf):
        words = {int: "positive whole number", float: "positive number"}.get(kind, kind.__name__)
        raise SystemExit(
            f"{name}: expected a {words}{', or several' if several else ''}, "
            f"e.g. {name}={_shown(default)}; got {text}"
        )
    return items if several else value


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

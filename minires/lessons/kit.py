"""What a lesson script uses: parameters, predictions, exercises and figures."""

from __future__ import annotations

import ast
import importlib
import json
import os
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import plotting, results
from .exercise import Exercise

latest: Lesson | None = None  # the lesson that ran last, for `minires lessons check`


def in_notebook() -> bool:
    """Return whether a Jupyter kernel runs this (a notebook, or cells in an editor)."""
    return "ipykernel" in sys.modules


class Lesson:
    """One run of a lesson. Make it first: `lesson = Lesson(2)`.

    Files go to `out/lessons` (MINIRES_OUT), predictions to `answers/L02.json` (MINIRES_ANSWERS).
    MINIRES_FAST=1 takes the smaller parameters that tests use.
    """

    def __init__(self, number: int) -> None:
        global latest
        self.number = number
        self.results: list[tuple[str, bool, str]] = []  # exercise, passed, message
        self.fast = os.environ.get("MINIRES_FAST") == "1"
        self.out = Path(os.environ.get("MINIRES_OUT", "out/lessons"))
        self.answers = Path(os.environ.get("MINIRES_ANSWERS", "answers")) / f"L{number:02d}.json"
        self.exercises = exercises(number)
        latest = self

    def params(self, fast: dict[str, Any] | None = None, **defaults: Any) -> types.SimpleNamespace:
        """Return the parameters: the defaults, `fast` ones, then `--name=value` on a terminal.

        Arguments are ignored in a notebook, whose command line is not the learner's. An unknown
        name or a value of another type ends the script with a message that lists the parameters.
        """
        values = dict(defaults) | ((fast or {}) if self.fast else {})
        for argument in [] if in_notebook() else sys.argv[1:]:
            name, _, text = argument.removeprefix("--").partition("=")
            if not argument.startswith("--") or not text or name not in defaults:
                known = ", ".join(f"--{k}={v!r}" for k, v in defaults.items())
                raise SystemExit(f"unknown argument {argument!r}; there are {known}")
            try:
                value = ast.literal_eval(text)
            except (ValueError, SyntaxError):
                value = text
            kind = type(defaults[name])
            if not isinstance(value, kind) and not (kind is float and isinstance(value, int)):
                raise SystemExit(f"--{name}: expected {kind.__name__}, e.g. {defaults[name]!r}")
            values[name] = value
        return types.SimpleNamespace(**values)

    def predict(self, key: str, question: str, mine: str | float | None = None) -> Any:
        """Record a prediction before the result is seen; return it, or None if there is none.

        It is `mine` if given, else the one recorded before, else asked for on a terminal.
        """
        recorded = self._recorded()
        print(f"Prediction {key}: {question}")
        if mine is None and key in recorded:
            mine = recorded[key]
            print(f"  your prediction, recorded before: {mine}")
            return mine
        if mine is None and not self.fast and not in_notebook() and sys.stdin.isatty():
            mine = input("  your prediction (Enter to skip): ").strip() or None
        if mine is None:
            print("  no prediction yet: set `mine=…` in this call, and run it again")
            return None
        recorded[key] = mine
        results.write_text(self.answers, json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")
        print(f"  recorded in {self.answers}: {mine}")
        return mine

    def _recorded(self) -> dict[str, Any]:
        try:
            found = json.loads(self.answers.read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SystemExit(
                f"{self.answers} cannot be read ({error}); mend or remove it"
            ) from None
        if not isinstance(found, dict):
            raise SystemExit(f"{self.answers} should hold a JSON object; mend or remove it")
        return found

    def reveal(self, key: str, measured: str) -> None:
        """Print what was measured beside what was predicted."""
        mine = self._recorded().get(key)
        print(f"Prediction {key}: measured {measured}; predicted {'-' if mine is None else mine}")

    def exercise(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Check the decorated function at once, print one line, and return it if it passes.

        If it does not, the reference solution is returned instead, so that the lesson goes on.
        """
        found = self.exercises.get(name)
        if found is None:
            raise ValueError(f"lesson {self.number} has exercises {', '.join(self.exercises)}")

        def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
            try:
                found.check(f)
                passed, message = True, "ok"
            except AssertionError as error:
                passed, message = False, str(error) or "an assertion failed"
            except Exception as error:  # a learner's code may raise anything
                passed, message = False, f"{type(error).__name__}: {error}"
            self.results.append((name, passed, message))
            print(f"[{'PASS' if passed else 'TODO'}] exercise {name}: {message}")
            return f if passed else found.reference

        return decorate

    def figure(self, rows: int = 1, columns: int = 1, width: float = 6, height: float = 4) -> Any:
        """Return (figure, axes): one axis, or an array of shape (rows, columns)."""
        figure, axes = plotting.new_figure(rows, columns, width, height)
        return figure, axes[0, 0] if rows == columns == 1 else axes

    def show(self, figure: Any, name: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write the figure (PNG, SVG) and the numbers in it (CSV); display it in a notebook."""
        stem = self.out / f"L{self.number:02d}_{name}"
        paths = plotting.save_figure(figure, stem, name.replace("_", " "))
        paths.append(results.write_text(stem.with_name(stem.name + ".csv"), results.to_csv(rows)))
        if in_notebook():
            from IPython.display import Image, display  # type: ignore[import-not-found]

            display(Image(filename=str(paths[0])))
        print("wrote " + " ".join(str(p) for p in paths))


def exercises(number: int) -> dict[str, Exercise]:
    """Return the exercises of a lesson by name."""
    module = importlib.import_module(f"minires.lessons.checks.lesson_{number:02d}")
    found: dict[str, Exercise] = module.EXERCISES
    return found

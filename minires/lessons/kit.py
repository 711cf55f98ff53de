"""What a lesson script uses: parameters, predictions, exercises, tables and figures."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import console, environment, plotting, results
from . import desk, figures, files, parameters, runner, worker
from .exercise import OF_MINIRES, Exercise, Result, examine, time_limit
from .progress import Progress, learners_folder
from .questions import Question
from .wrong_line import own_hint

latest: Lesson | None = None  # the lesson that ran last, for `minires lessons check`


class Lesson:
    """One run of a lesson. Make it first: `lesson = Lesson(2)`.

    A script that is run by Python itself is handed to the runner of lessons here, which shows the
    prose too. Files go to `out/lessons` (MINIRES_OUT) and progress to `answers` (MINIRES_ANSWERS)
    in the learner's folder: that of the script, or the current one if the script comes with
    minires. A folder that cannot be written ends the script before the work. MINIRES_FAST=1 takes
    the smaller parameters that tests use, MINIRES_FULL=1 the larger ones, MINIRES_BROWSER=1 those
    of a browser (which takes them by itself); MINIRES_CHECK=1 asks and writes nothing.
    """

    def __init__(self, number: int) -> None:
        global latest
        self.number = number
        self.results: list[Result] = []
        console.take_any_text()
        arguments = [] if desk.in_notebook() else sys.argv[1:]
        with _as_exit():
            self.checking = environment.switch("MINIRES_CHECK")
            fast = environment.switch("MINIRES_FAST") or "--fast" in arguments
            self.full = environment.switch("MINIRES_FULL") or "--full" in arguments
            self.browser = environment.switch("MINIRES_BROWSER") or sys.platform == "emscripten"
            time_limit()
            if fast and self.full:
                raise ValueError("fast and full were both asked for; choose one")
        self.fast = fast or self.checking
        caller = sys._getframe(1)
        name, file = caller.f_globals.get("__name__"), caller.f_globals.get("__file__")
        script = file if name == "__main__" and not desk.in_notebook() else None
        if script and caller.f_back is None and not self.checking:  # `python lesson.py`
            runner.take_over(number, Path(script))
        self._file = script
        home = learners_folder(script)
        self.out = Path(os.environ.get("MINIRES_OUT") or home / "out" / "lessons")
        self.progress = Progress(home)
        self.exercises = {} if worker.serving() else exercises(number)
        self.names = worker.exercise_names(number) if worker.serving() else list(self.exercises)
        self._questions: dict[str, Question] = {}
        if not self.checking:
            with _as_exit(": --out DIR or MINIRES_OUT"):
                results.folder(self.out)
        latest = self

    def params(
        self,
        fast: dict[str, Any] | None = None,
        full: dict[str, Any] | None = None,
        browser: dict[str, Any] | None = None,
        **defaults: Any,
    ) -> types.SimpleNamespace:
        """Return the parameters: the defaults, `fast`, `full` or `browser` ones, then NAME=VALUE.

        A browser has neither compiled kernels nor a BLAS: about a tenth of the speed.
        Those are the script's arguments: `depths=8`, `depths=8,20` or `--depths=8`. In a notebook,
        whose command line is not the learner's, there are none. An unknown name or a value of
        another type ends the script with a message that lists the parameters.
        """
        tiers = ((self.fast, fast), (self.full, full), (self.browser, browser))
        chosen = next((tier for wanted, tier in tiers if wanted), None) or {}
        given = [] if desk.in_notebook() else sys.argv[1:]
        return types.SimpleNamespace(**defaults | chosen | parameters.read(given, defaults))

    def predict(
        self,
        key: str,
        question: str,
        choices: Sequence[str] = (),
        mine: float | str | None = None,
    ) -> float | str | None:
        """Record what the learner predicts, a number or one of the choices; None if nothing.

        It is `mine` if given, else what was recorded before, else what is answered.
        """
        asked = self._questions[key] = Question(key, question, tuple(choices))
        self.say(asked.markdown())
        given = None if mine is None else asked.read(mine)
        if mine is not None and given is None:
            raise SystemExit(f"prediction {key}: expected {asked.expected}; got {mine!r}")
        recorded = self._recorded(asked)
        if given is None and recorded is not None and not desk.current().again:
            print(f"  your prediction, recorded before: {_plain(recorded)}")
            return recorded
        if given is None:
            given = self._ask(asked, f"your prediction ({asked.short}; {desk.current().ways_out}):")
        if given is None:
            self._tell_how(asked)
            return recorded
        return self._record(key, given)

    def _ask(self, question: Question, prompt: str) -> float | str | None:
        return None if self.fast else desk.current().ask(question, prompt)

    def _tell_how(self, question: Question) -> None:
        """Say how to predict where nobody was asked, the first time."""
        here = desk.current()
        if desk.in_notebook():
            print(f"no prediction yet: write mine={question.example} into this call, run it again")
        elif not here.told and (self.fast or not here.asks):
            why = "in fast mode" if self.fast else "without a terminal"
            print(f"  ({why} nobody is asked; mine={question.example} in this call would predict)")
        here.told = True

    def _record(self, key: str, mine: float | str) -> float | str:
        if not self.checking:
            with _as_exit():
                self.progress.change(self.number, predictions={key: mine})
        print(f"  recorded: {_plain(mine)}")
        return mine

    def _recorded(self, question: Question) -> float | str | None:
        """Return what was predicted before, if it answers the question as it is now."""
        if self.checking:
            return None
        with _as_exit():
            found = self.progress.of(self.number).predictions.get(question.key)
        return None if found is None else question.read(found)

    def reveal(self, key: str, measured: str, value: float | str | None = None) -> None:
        """Show what was measured beside what was predicted; call it before showing the result.

        If nothing was predicted it asks first, else it waits, where somebody reads. `value`, the
        measured number or the right choice, lets it say how far off the prediction was.
        """
        asked = self._questions.get(key)
        if asked is None:
            raise ValueError(f"reveal({key!r}): there was no predict({key!r}, ...) before")
        mine = self._recorded(asked)
        if mine is None:
            ways_out = desk.current().ways_out
            prompt = f"before the result, your prediction of {key} ({asked.short}; {ways_out}):"
            mine = self._ask(asked, prompt)
            if mine is not None:
                self._record(key, mine)
        else:
            desk.current().pause("shows the result")
        text = f"**Prediction {key}**: measured {measured}; predicted {_plain(mine)}"
        verdict = "" if mine is None or value is None else asked.judged(mine, value)
        self.say(f"{text} ({verdict})" if verdict else text)

    def say(self, markdown: str) -> None:
        """Show Markdown, with formulas: rendered in a notebook and on a terminal."""
        desk.current().show(markdown)

    def hint(self, name: str) -> None:
        """Show the next hint of an exercise."""
        if worker.serving():
            return
        hints, shown, own = self._exercise(name).hints, 0, None
        if not self.checking:
            with _as_exit():
                record = self.progress.of(self.number)
            shown, own = record.hints.get(name, 0), record.wrong.get(name)
        shown = min(shown + 1, len(hints))
        left = len(hints) - shown
        more = f"{left} more: call it again" if left else "the last one"
        self.say(f"Hint {shown} for exercise {name} ({more}): {hints[shown - 1]}")
        if text := own_hint(own, shown):
            print(text)
        if not self.checking:
            with _as_exit():
                self.progress.change(self.number, hints={name: shown})

    def _exercise(self, name: str) -> Exercise:
        if name not in self.exercises:
            raise ValueError(f"lesson {self.number} has exercises {', '.join(self.names)}")
        return self.exercises[name]

    def exercise(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Check the decorated function at once, print the verdict, and return it if it passes.

        If it does not, a stand-in is returned, so that the lesson goes on: the reference solution,
        which says so in each cell where it is used.
        """
        if worker.serving():  # another process checks
            return lambda f: worker.submit(name, f)
        found = self._exercise(name)

        def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
            result = examine(name, found, f)
            ours = result.verdict == "PASS" and self._is_ours(f)
            if ours:
                result = replace(result, message=OF_MINIRES)
            self.results.append(result)
            desk.current().verdicts[name] = result.verdict
            if ours:
                print(f"exercise {name}: solution shown, the one that comes with minires")
            else:
                desk.current().judged(result, self.number, self._file)
            if not self.checking and result.verdict == "FAIL":
                with _as_exit():
                    self.progress.note(self.number, {name: result.wrong})
            if result.verdict != "PASS":
                return _stand_in(name, found.reference, result.verdict)
            if not ours and not self.checking:
                with _as_exit():
                    self.progress.change(self.number, solved=[name])
            return f

        return decorate

    def _is_ours(self, f: Callable[..., Any]) -> bool:
        """Return whether the function is still the solution of the lesson's file."""
        with contextlib.suppress(OSError, TypeError, ValueError):
            text = inspect.getsource(f)
            lesson = files.lesson_file(self.number).path
            return "BEGIN SOLUTION" in text and text in results.read_text(lesson)
        return False

    def table(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show rows (dictionaries with the same keys) as a table."""
        desk.current().table(rows)

    def curves(self, name: str, statement: str, at: Any, curves: Mapping[str, Any], *, x: str,
               y: str, **options: Any) -> None:  # fmt: skip
        """Draw curves over seeds, with bands, and write them as PNG, SVG and CSV.

        `curves` maps a label to values (seeds, points) at the places `at` (points,), or the title
        of a panel to such a mapping. x, y: full words with units. The title is the statement;
        seeds and bands are explained below the figure. Nets named plain or residual have their
        fixed colours. Options: `log` "", "x", "y", "xy"; `reverse` x; `highlight`, the labels
        that matter; `centre` "mean", "geometric", "median"; `band` "range", "deviation"; `marks`
        and `levels`, text → x or y of a thin line; `note`, a sentence below; `of`, what the values
        are of if not of a "seed".
        """
        several = all(isinstance(v, Mapping) for v in curves.values())
        panels = curves if several else {"": curves}
        if not self.checking:
            draw = functools.partial(figures.curves, statement, at, panels, x=x, y=y, **options)
            words = figures.curves_in_words(at, panels, x, y)
            rows = figures.curve_rows(at, panels, x, y, options.get("of", "seed"))
            self._show(draw, name, statement, words, rows)

    def bars(self, name: str, statement: str, values: Mapping[str, Sequence[float | None]], *,
             x: str, **options: Any) -> None:  # fmt: skip
        """Draw a bar per label over its seeds' values, and write them as PNG, SVG and CSV.

        None is a run that diverged. Options: `highlight`, the labels that matter; `form`, the
        format of the mean beside its bar, e.g. "{:.1f} %"; `note`, a sentence below; `centre`
        "mean" or "median"; `of`, as for curves.
        """
        if not self.checking:
            draw = functools.partial(figures.bars, statement, values, x=x, **options)
            words = figures.bars_in_words(values, x)
            rows = figures.bar_rows(values, x, options.get("of", "seed"))
            self._show(draw, name, statement, words, rows)

    def pictures(self, name: str, statement: str, rows: figures.Pictures, **options: Any) -> None:
        """Draw pictures beside each other, and write them as PNG and SVG, and their range as CSV.

        `rows` maps a title of a row, "" for none, to {title of a column: (picture, caption)}, with
        pictures (H, W) or (H, W, 3) from 0, black, to 1. Options: `signed`, the columns whose
        values are about 0, which is drawn as grey; `note`, a sentence below.
        """
        if not self.checking:
            draw = functools.partial(figures.pictures, statement, rows, **options)
            words = figures.pictures_in_words(rows)
            self._show(draw, name, statement, words, figures.picture_rows(rows))

    def _show(
        self,
        draw: Callable[..., Any],
        name: str,
        statement: str,
        words: str,
        rows: Sequence[dict[str, Any]],
    ) -> None:
        figure, here = draw(), desk.current()
        if here.figure(figure, name, f"{statement}. {words}"):  # that is enough
            return
        stem = self.out / f"L{self.number:02d}_{name}"
        with _as_exit():
            paths = plotting.save_figure(figure, stem, statement)
            table = stem.with_name(stem.name + ".csv")
            paths.append(results.write_text(table, results.to_csv(rows)))
            if here.narrow:
                svg = plotting.render(draw(narrow=True), statement, [".svg"])[".svg"]
                results.write_bytes(stem.with_name(stem.name + "-narrow.svg"), svg)
        here.image(paths[0], f"{statement}. {words}")
        others = " and ".join(p.suffix for p in paths[1:])
        print(f"figure: {statement}\n  {paths[0]} (and {others})")


def exercises(number: int) -> dict[str, Exercise]:
    """Return the exercises of a lesson by name."""
    module = importlib.import_module(f"minires.lessons.checks.lesson_{number:02d}")
    found: dict[str, Exercise] = module.EXERCISES
    return found


def _plain(answer: float | str | None) -> str:
    """Return an answer as it is printed: 3 for 3.0, - for none."""
    return "-" if answer is None else f"{answer:g}" if isinstance(answer, float) else answer


def _stand_in(name: str, reference: Callable[..., Any], verdict: str) -> Callable[..., Any]:
    """Return the reference solution, which says once in each cell that it is not the learner's."""
    yours = "yours is still to do" if verdict == "TODO" else "yours does not pass yet"
    said = set()

    @functools.wraps(reference)
    def solution(*arguments: Any, **named: Any) -> Any:
        place = desk.current().place()
        if place not in said:
            said.add(place)
            print(f"exercise {name}: shown with the reference solution; {yours}")
        return reference(*arguments, **named)

    return solution


@contextlib.contextmanager
def _as_exit(advice: str = "") -> Iterator[None]:
    """End the script with the message of a failed write or a wrong variable, and advice."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise SystemExit(f"minires: error: {error}{advice}") from None

"""`diagnose`: from a failed check to findings."""

from __future__ import annotations

import contextlib
import inspect
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..edits import NoSource
from ..edits.source import Span
from ..subject import Pair, Subject
from .child import Beat, Send, can_fork, isolated
from .finding import Diagnosis, Finding, finding
from .maker import Maker
from .meaning import family_of
from .proposals import proposals
from .reaching import reached
from .search import Fix, Search, model_of

SECONDS = 8.0  # of processor time
WALL = 18.0  # seconds by the clock
SUMMARY = ("tried", "problem", "right", "finite", "late")
LAST = 1.0  # of them, left for the answer


def diagnose(subject: Subject, seconds: float = SECONDS, apart: bool = True) -> Diagnosis:
    """Return the changes of the user's backward with which its gradients are right, best first.

    Empty, with a note that says why, if there is no source, or no change was found. They are tried
    `apart`, in a process of their own, where there are any; or else in this one.
    """
    pair = subject.pair
    if pair is None:
        return Diagnosis(note="")
    try:
        maker = Maker(pair.backward)
    except NoSource as problem:
        return Diagnosis(note=f"no line is named: {problem}")
    fixes: dict[str, Fix] = {}
    summary: dict[str, Any] = {}

    def work(send: Send, beat: Beat) -> None:
        _work(subject, pair, seconds, send, beat)

    note, answers = "", None
    if apart and can_fork():
        with contextlib.suppress(OSError):  # where no process may be started
            answers, hung = isolated(work, WALL)
            if hung:
                note = f"{hung} of the changes that were tried ran too long, or crashed"
    if answers is None:
        reaching = reached(n for s in maker.sources for n in s.nodes)
        if reaching:
            return Diagnosis(
                note=f"no line is named: it calls {reaching[0]}, and here is no process of its own "
                "to try changes in"
            )
        answers = []
        work(answers.append, lambda k: True)
    for answer in answers:
        if "spans" in answer:
            fixes[str(answer["spans"])] = _fix(answer)
        summary |= {k: x for k, x in answer.items() if k in SUMMARY}
    if summary.get("problem") and not fixes:
        note = f"no line is named: the search failed ({summary['problem']})"
    about = partial(family_of, model=model_of(pair.forward), finite=summary.get("finite", True))
    ranked = sorted(fixes.values(), key=lambda f: (f.cost, f.length))
    found = _findings(maker, ranked, about)
    if ranked and not found:
        note = _in_two_functions(maker, ranked[0])
    elif not found and not note and not summary.get("right"):
        acts = reached(n for s in maker.sources for n in s.nodes)
        note = f"no small change of {_name(pair.backward)} makes its gradients right"
        if acts:
            note = (
                f"no line is named: it calls {acts[0]}, and changes are tried where nothing may act"
            )
        elif summary.get("late", "problem" not in summary):
            note = "no line is named: there was no time to try every change; give smaller inputs"
    return Diagnosis(found, note, summary.get("tried", 0))


def _work(subject: Subject, pair: Pair, seconds: float, send: Send, beat: Beat) -> None:
    """Search, and send every fix as it is found."""
    begin, clock = time.process_time(), time.monotonic()

    def late() -> bool:
        by_clock = time.monotonic() - clock > WALL - LAST
        return time.process_time() - begin > seconds or by_clock

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        search = Search(subject, pair, late, beat)
        search.told = lambda fix: send(_plain(fix))
        search.search()
        if not search.found and not search.right and not late():
            source = search.maker.sources[0]
            for edit in proposals(subject, pair, source, lambda: beat(-1)):
                search.attempt({0: edit.spans}, edit.cost, edit.family)
        for fix in search.ranked():
            send(_plain(fix))
        send(
            {
                "tried": search.tried, "right": search.right, "finite": search.finite,
                "late": late(),
            }
        )  # fmt: skip


def _plain(fix: Fix) -> dict[str, Any]:
    spans = {str(k): [list(s) for s in spans] for k, spans in fix.changes.items()}
    return {
        "spans": spans,
        "cost": fix.cost,
        "family": fix.family,
        "general": fix.general,
        "length": fix.length,
    }


def _fix(answer: dict[str, Any]) -> Fix:
    changes: dict[int, tuple[Span, ...]] = {
        int(k): tuple((int(a), int(b), str(new)) for a, b, new in spans)
        for k, spans in answer["spans"].items()
    }
    return Fix(
        float(answer["cost"]),
        str(answer["family"]),
        changes,
        bool(answer["general"]),
        int(answer["length"]),
    )


def _findings(maker: Maker, fixes: list[Fix], about: Callable[..., str]) -> list[Finding]:
    """Return the best fix of each line."""
    found: dict[tuple[int, int], Finding] = {}
    for fix in fixes:
        if len(fix.changes) > 1:
            continue  # no change of one function: see `_in_two_functions`
        ((k, spans),) = fix.changes.items()
        try:
            family = about(maker.sources[k], spans, fix.family)
        except Exception:  # the line and what mends it are worth more than the word for it
            family = fix.family
        f = finding(
            maker.sources[k], spans, family, maker.names[k], _place(maker.functions[k]),
            fix.general,
        )  # fmt: skip
        found.setdefault((k, f.line), f)
    return list(found.values())


def _in_two_functions(maker: Maker, fix: Fix) -> str:
    """Return what mends a backward pass only together, here and in a function that it calls."""
    places = [
        f"`{before}` → `{after}` (line {line + _place(maker.functions[k])[1] - 1}, in "
        f"{maker.names[k]})"
        for k, spans in sorted(fix.changes.items())
        for line, before, after in maker.sources[k].lines(spans)
    ]
    return "wrong in two functions; together these changes make the gradients right: " + ", ".join(
        places
    )


def _place(function: Callable[..., Any]) -> tuple[str, int]:
    code = function.__code__
    file = inspect.getsourcefile(code) or code.co_filename
    return file, code.co_firstlineno


def _name(f: Callable[..., Any]) -> str:
    name = getattr(f, "__name__", "backward")
    return "the lambda" if name == "<lambda>" else name

<<<<<<< HEAD
"""One run of a candidate backward pass against numeric gradients, with limits of its own."""

from __future__ import annotations

import signal
import threading
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
=======
"""One run of a learner's backward pass, with the values of its names and what it should give."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
>>>>>>> f04fd4b (Term regression: which terms of a wrong gradient, with which coefficients)

import numpy as np

from ...tensor import Array
<<<<<<< HEAD

ONE_RUN = 0.4  # seconds
SAMPLED = 600  # elements of a tensor; of larger ones so many are compared
TOLERANCE = 1e-6  # of the largest derivative of a tensor


class Pair(Protocol):
    """A forward and a backward pass of the user, as `subject.pair` offers them."""

    forward: Callable[..., Any]
    backward: Callable[..., Any]

    def gradients(
        self, backward: Callable[..., Any], v: Array, arrays: Sequence[Array]
    ) -> list[Array]: ...


class TooLong(BaseException):
    """A candidate ran past its time; not an Exception, which learners' code may catch."""


@dataclass
class Goal:
    """What the gradients have to be for one upstream and one set of inputs.

    known     for each tensor, the flat indices of the elements that can be compared
    numeric   their numeric derivatives
    allowed   how far off a right gradient may be
    """

    v: Array
    arrays: list[Array]
    known: list[Array]
    numeric: list[Array]
    allowed: list[Array]

    def errors(self, grads: Sequence[Array]) -> list[float]:
        """Return, for each tensor, the largest error in units of what is allowed."""
        found = []
        for g, x, known, n, allowed in zip(
            grads, self.arrays, self.known, self.numeric, self.allowed, strict=True
        ):
            if np.shape(g) != x.shape or np.asarray(g).dtype.kind != "f":
                found.append(np.inf)
                continue
            d = np.abs(np.asarray(g, dtype=np.float64).reshape(-1)[known] - n) / allowed
            worst = float(d.max(initial=0.0))
            found.append(worst if np.isfinite(worst) else np.inf)
        return found


def run(pair: Pair, candidate: Callable[..., Any], goal: Goal) -> list[Array] | None:
    """Return the candidate's gradients, or None if it raises or takes too long."""
    v = goal.v.copy()
    arrays = [a.copy() for a in goal.arrays]
    try:
        with limited(ONE_RUN):
            return pair.gradients(candidate, v, arrays)
    except (KeyboardInterrupt, SystemExit, GeneratorExit) as stop:
        if isinstance(stop, KeyboardInterrupt):
            raise
        return None
    except (Exception, TooLong):  # whatever a changed program may raise
        return None


class limited:
    """Raise TooLong in the block after `seconds`: by a timer, or else by tracing its lines."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        main = threading.current_thread() is threading.main_thread()
        self.timed = main and hasattr(signal, "setitimer") and OWNED

    def __enter__(self) -> None:
        if self.timed:
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_: object) -> None:
        if self.timed:
            signal.setitimer(signal.ITIMER_REAL, 0)


OWNED = False  # whether the process is the diagnosis' own child, where SIGALRM may be taken


def own_timer() -> None:
    """Take SIGALRM; only in a child process."""
    global OWNED
    OWNED = True

    def alarm(signum: int, frame: types.FrameType | None) -> None:
        raise TooLong

    signal.signal(signal.SIGALRM, alarm)
=======
from ..subject import Pair
from .library import fits


@dataclass
class Trial:
    """One run of the learner's backward pass, with what it should have given.

    scope     all names that its expressions can use, as they were when it returned
    local     its own names among them; outer: those of its module that it uses
    upstream  the name of dy, "" if no argument is it
    grads, numeric, bounds   per tensor; numeric is NaN where unknown, bounds its error
    """

    scope: dict[str, Any]
    local: dict[str, Any]
    upstream: str
    grads: Sequence[Array]
    numeric: Sequence[Array]
    bounds: Sequence[Array]
    outer: Sequence[str] = ()
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    def evaluate(self, node: ast.expr | str) -> Any:
        """Return the value of an expression, None if it cannot be had."""
        text = node if isinstance(node, str) else ast.unparse(node)
        if text not in self._cache:
            try:
                with np.errstate(all="ignore"):
                    value = eval(text, self.scope)
                self._cache[text] = np.asarray(value, dtype=np.float64)
            except Exception:  # whatever an expression out of its place may raise
                self._cache[text] = None
        return self._cache[text]

    def named(self) -> dict[str, Any]:
        """Return the names that its source uses: its own, then those from outside."""
        return self.local | {k: self.scope[k] for k in self.outer if k in self.scope}

    def allowed(self, t: int) -> Array:
        """Return by how much a fit of tensor t may differ from `numeric`."""
        n = self.numeric[t]
        scale = float(np.nanmax(np.abs(n), initial=0))
        return np.asarray(3 * np.nan_to_num(self.bounds[t]) + 1e-8 * scale)

    def agrees(self, t: int, value: Any) -> bool:
        n = self.numeric[t]
        if value is None or not fits(np.shape(value), n.shape):
            return False
        error = np.abs(np.broadcast_to(value, n.shape) - n)
        return bool((error <= self.allowed(t))[~np.isnan(n)].all())


def trial(
    pair: Pair,
    v: Array,
    arrays: Sequence[Array],
    numeric: Sequence[Array],
    bounds: Sequence[Array],
) -> Trial:
    """Run the learner's backward pass once, and keep its names as they are when it returns."""
    local: dict[str, Any] = {}
    code = pair.backward.__code__

    def profile(frame: Any, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            local.update({k: _kept(x) for k, x in frame.f_locals.items()})

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        grads = pair.gradients(pair.backward, v, arrays)
    except Exception:
        if not local:
            raise
        grads = [np.full(a.shape, np.nan) for a in arrays]  # of another shape or number
    finally:
        sys.setprofile(before)
    theirs = getattr(pair.forward, "__code__", None)
    outer = {**_around(pair.forward), **_around(pair.backward)}
    names = list(code.co_varnames[: code.co_argcount])
    upstream = next((n for n in names if _is_upstream(local.get(n), v)), "")
    return Trial(
        {**outer, **local},
        {n: local[n] for n in [*names, *local] if n in local},
        upstream,
        grads,
        numeric,
        bounds,
        [n for n in (*_used(code), *_used(theirs)) if n not in local],
    )


def _around(f: Any) -> dict[str, Any]:
    """Return the names that a function can use from outside."""
    if not inspect.isfunction(f):
        return {}
    return {**f.__globals__, **inspect.getclosurevars(f).nonlocals}


def _used(code: Any) -> tuple[str, ...]:
    return () if code is None else (*code.co_names, *code.co_freevars)


def _kept(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return x.copy()
    return tuple(_kept(item) for item in x) if type(x) is tuple and len(x) < 12 else x


def _is_upstream(x: Any, v: Array) -> bool:
    return isinstance(x, np.ndarray) and x.shape == v.shape and np.array_equal(x, v)
>>>>>>> f04fd4b (Term regression: which terms of a wrong gradient, with which coefficients)

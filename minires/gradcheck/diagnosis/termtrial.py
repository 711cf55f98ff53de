"""One run of a learner's backward pass, with the values of its names and what it should give."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...tensor import Array
from ..subject import Pair
from .library import fits
from .reaching import repeatable
from .trial import Goal


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
    arguments: Sequence[str] = ()
    _cache: dict[str, Any] = field(default_factory=dict, repr=False)

    def evaluate(self, node: ast.expr | str) -> Any:
        """Return the value of an expression, None if it cannot be had."""
        text = node if isinstance(node, str) else ast.unparse(node)
        if text not in self._cache:
            try:
                if not repeatable(ast.parse(text, mode="eval")):
                    raise ValueError("would do something twice")
                with np.errstate(all="ignore"):
                    value = eval(text, self.scope)
                real = not np.iscomplexobj(value)
                self._cache[text] = np.asarray(value, dtype=np.float64) if real else None
            except (Exception, SystemExit):  # whatever an expression out of its place may raise
                self._cache[text] = None
        return self._cache[text]

    def named(self) -> dict[str, Any]:
        """Return the names that its source uses: its own, then those from outside."""
        return self.local | {k: self.scope[k] for k in self.outer if k in self.scope}

    def without(self, t: int, part: Any) -> Trial:
        """Return this run with `part` taken off what tensor t should be, and nothing given yet."""
        numeric, grads = list(self.numeric), list(self.grads)
        numeric[t] = np.asarray(numeric[t] - part)
        grads[t] = np.full(numeric[t].shape, np.nan)
        return dataclasses.replace(self, numeric=numeric, grads=grads)

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
        names,
    )


def trial_of(pair: Pair, goal: Goal) -> Trial:
    """Run the learner's backward pass once for a goal of the search."""
    numeric, bounds = [], []
    for a, known, n, allowed in zip(
        goal.arrays, goal.known, goal.numeric, goal.allowed, strict=True
    ):
        full, bound = np.full(a.size, np.nan), np.zeros(a.size)
        full[known], bound[known] = n, np.asarray(allowed) / 3
        numeric.append(full.reshape(a.shape))
        bounds.append(bound.reshape(a.shape))
    return trial(pair, goal.v, goal.arrays, numeric, bounds)


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

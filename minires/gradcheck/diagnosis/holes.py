"""Holes: which expressions of a backward pass could be at fault alone, and what they should be.

An expression is at fault alone only if some other value in its place makes every gradient right.
Its value x is moved by h along each element; the gradients g answer with J = ∂g/∂x, and J δ = n - g
is solved by least squares. If the gradients at x + δ are the numeric ones, the expression may be
the place, and x + δ is what it should have been (uniquely, if J has full rank). If they are not,
no edit within it can help, and none is tried.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...tensor import Array
from ..edits import Probe, Scene
from .trial import Goal

LARGE = 120  # elements of a value that is moved
STEP = 1e-5  # of the largest element
TURNS = 3  # of Gauss and Newton, for values that the gradients do not depend on linearly
RUNS = 6000  # of backward, for all expressions together


@dataclass
class Hole:
    """An expression that may be at fault alone.

    target    what its value should be, one of the values that would do
    matrix    how the gradients answer to it, (gradients, elements of the value)
    gap       what the gradients lack: matrix @ (right value - value) = gap
    """

    node: ast.expr
    statement: ast.stmt | None
    value: Array
    target: Array
    matrix: Array
    gap: Array


@dataclass
class Holes:
    """The outcome: expressions that may be at fault, and those that are surely not.

    scaled   expressions in loops, with a number by which they could be multiplied
    """

    possible: list[Hole] = field(default_factory=list)
    cleared: set[int] = field(default_factory=set)  # ids of nodes
    scaled: list[tuple[ast.expr, ast.stmt | None, float]] = field(default_factory=list)


class Prober:
    """Runs instrumented code with one value changed."""

    def __init__(
        self,
        probe: Probe,
        run: Callable[[], list[Array] | None],
        goal: Goal,
        pulse: Callable[[], object],
        late: Callable[[], bool],
    ) -> None:
        self.probe, self._run, self.goal, self.pulse, self.late = probe, run, goal, pulse, late
        self.numeric = np.concatenate([*goal.numeric, np.zeros(0)])
        self.allowed = np.concatenate([*goal.allowed, np.zeros(0)])
        self.runs = 0
        self.linear = False  # whether the last value solved for had a linear effect

    def gradients(self, k: int, value: Any) -> Array | None:
        """Return the known elements of all gradients, with `value` for expression k."""
        return self.changed(k, lambda x: value)

    def changed(self, k: int, change: Callable[[Any], Any]) -> Array | None:
        """Return the known elements of all gradients, with every value of k changed."""
        self.probe.active, self.probe.change = k, change
        self.runs += 1
        self.pulse()
        try:
            grads = self._run()
        finally:
            self.probe.active = -1
        if grads is None:
            return None
        parts = [
            np.asarray(g, dtype=np.float64).reshape(-1)[known]
            for g, known in zip(grads, self.goal.known, strict=True)
        ]
        return np.concatenate([*parts, np.zeros(0)])

    def right(self, g: Array | None, slack: float = 1.0) -> bool:
        return g is not None and bool((np.abs(g - self.numeric) <= slack * self.allowed).all())

    def solve(self, k: int, x: Array, base: Array) -> tuple[Array, Array, Array] | None:
        """Return the value that expression k should have, and matrix and gap of its `Hole`."""
        shape, flat = x.shape, x.reshape(-1).astype(np.float64)
        size = max(float(np.abs(flat).max(initial=0.0)), 1e-3)
        g, self.linear = base, False
        for turn in range(TURNS):
            columns = []
            for i in range(flat.size):
                there = flat.copy()
                there[i] += STEP * size
                moved = self.gradients(k, there.reshape(shape))
                if moved is None or not np.isfinite(moved).all():
                    return None
                columns.append((moved - g) / (STEP * size))
            matrix = np.array(columns).T
            if not matrix.size or not np.any(matrix):
                return None
            weight = 1 / np.maximum(np.abs(self.numeric).max(initial=0.0), 1e-12)
            delta, _, rank, _ = np.linalg.lstsq(
                matrix * weight, (self.numeric - g) * weight, rcond=1e-9
            )
            flat = flat + delta
            answer = self.gradients(k, flat.reshape(shape))
            if answer is None or not np.isfinite(answer).all():
                return None
            if self.right(answer, 1e3):
                if turn == 0:  # linear: any value with this gap will do
                    return flat.reshape(shape), matrix, self.numeric - base
                if rank == flat.size:
                    return flat.reshape(shape), np.eye(flat.size), flat - x.reshape(-1)
                return flat.reshape(shape), np.zeros((0, flat.size)), np.zeros(0)
            foretold = g + matrix @ delta
            size = np.abs(foretold).max() + np.abs(self.numeric).max()
            if turn == 0 and np.abs(answer - foretold).max() < 1e-4 * size:
                self.linear = True  # and yet it is not enough: the place is another
                return None
            if np.abs(answer - self.numeric).max() > 0.5 * np.abs(g - self.numeric).max():
                return None
            g = answer
        return None

    def factor(self, k: int, base: Array) -> float | None:
        """Return the number by which all values of expression k could be multiplied."""
        once = self.changed(k, lambda x: x * (1 + STEP))
        if once is None or not np.isfinite(once).all():
            return None
        slope = (once - base) / STEP
        if not np.any(slope):
            return None
        c = 1 + float(slope @ (self.numeric - base) / (slope @ slope))
        return c if self.right(self.changed(k, lambda x: c * x), 1e4) else None


def _decides(scene: Scene, node: ast.AST) -> bool:
    """Whether an expression is part of a comparison, a condition or an index."""
    at = node
    while id(at) in scene.source.place and not isinstance(at, ast.stmt):
        at, name = scene.source.place[id(at)]
        if isinstance(at, ast.Compare | ast.BoolOp) or name in ("slice", "test"):
            return True
    return False


def holes(scene: Scene, prober: Prober, base: Sequence[Array]) -> Holes:
    """Look at every expression that is computed once, from whole statements inwards."""
    found = Holes()
    start = np.concatenate(
        [
            np.asarray(g, dtype=np.float64).reshape(-1)[known]
            for g, known in zip(base, prober.goal.known, strict=True)
        ]
    )
    if not np.isfinite(start).all():
        return found

    def look(node: ast.AST, statement: ast.stmt | None) -> None:
        for child in ast.iter_child_nodes(node):
            inner = child if isinstance(child, ast.stmt) else statement
            if isinstance(child, ast.expr) and not _look_at(child, inner):
                continue
            look(child, inner)

    def _look_at(node: ast.expr, statement: ast.stmt | None) -> bool:
        """Return whether to look at its parts."""
        x = scene.value(node)
        if (
            not isinstance(x, np.ndarray | float | np.floating)
            or prober.runs > RUNS
            or prober.late()
        ):
            return True
        if scene.times(node) > 1:
            if c := prober.factor(scene.source.index[id(node)], start):
                found.scaled.append((node, statement, c))
            return True
        x = np.asarray(x)
        if x.dtype.kind != "f" or x.size > LARGE or not np.isfinite(x).all():
            return True
        if isinstance(node, ast.Constant):
            return True
        solved = prober.solve(scene.source.index[id(node)], x, start)
        if solved is None:
            if prober.linear and not _decides(scene, node):
                found.cleared.add(id(node))
                return False
            return True
        found.possible.append(Hole(node, statement, x, *solved))
        return True

    look(scene.source.root, None)
    return found

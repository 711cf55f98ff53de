"""Expressions that fill a hole: fitted by value, not tried one by one.

With J = `hole.matrix` and r = `hole.gap`, an expression e is right in the place of x if
J (e - x) = r; so x + c t is for c = r·Jt / |Jt|² if nothing remains, and so on. Terms t are names
that the function has, what forward computes, their products, sums and matrix products.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...tensor import Array
from ..edits import Edit, Scene, fits
from ..edits.tables import DETACHED, FACTOR, SCALE, SIGN, TERM, UPSTREAM, VARIABLE
from .familiar import familiar, times
from .holes import Hole, Holes
from .library import elementary, library
from .products import combined

LEFT = 1e-5  # of what was lacking: what a fit may leave
MOST = 4000  # terms
TWO = 260  # terms that are tried in twos
RATIO = 0.35  # dearer: a factor a / b, which more likely makes up for another mistake


def synthesised(scene: Scene, found: Holes) -> Iterator[Edit]:
    """Yield edits that fill the holes."""
    for hole in found.possible:
        if hole.matrix.size and np.any(hole.gap):
            yield from _Filling(scene, hole).edits()
    for node, s, c in found.scaled:
        if label := familiar(c, _scalars(scene, s)):
            sign, text = times(label, "A__")
            family = SIGN if (sign, text) == ("-", "A__") else SCALE
            yield scene.source.replacing(node, sign + text, 1.4 + 0.01 * len(label), family)


def _scalars(scene: Scene, s: ast.AST | None) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, x in scene.names(s).items():
        number = isinstance(x, int | float | np.number) and not isinstance(x, bool)
        if number and np.isfinite(x) and abs(x) not in (0, 1):
            found[name] = float(x)
    sizes = scene.sizes(s)
    found |= {k: float(n) for k, n in sizes.items()}
    found |= {f"({k} - 1)": n - 1.0 for k, n in sizes.items() if n > 2}
    found |= {f"np.sqrt({k})": float(np.sqrt(n)) for k, n in sizes.items()}
    return found


class _Filling:
    """One hole and the terms that may fill it."""

    def __init__(self, scene: Scene, hole: Hole) -> None:
        self.scene, self.hole, self.s = scene, hole, hole.statement
        self.x = hole.value
        self.scalars = _scalars(scene, hole.statement)
        self.upstream = scene.arguments[0] if scene.arguments else ""
        self.whole = isinstance(getattr(self.s, "value", None), ast.expr) and (
            self.s.value is hole.node  # type: ignore[union-attr]
        )
        self.copied = isinstance(hole.node, ast.Name)

    def edits(self) -> Iterator[Edit]:
        """Yield what fits: a number, a factor, a term more, another expression."""
        own = self.hole.matrix @ self.x.reshape(-1)
        yield from self._scaled(own)
        if self.copied and isinstance(self.s, ast.Return):
            return  # where it is made is the better place
        forms = self._forms()
        yield from self._factors(forms, own)
        terms = self._terms(forms)
        if terms:
            yield from self._sums(terms, own)

    def _edit(self, text: str, cost: float, family: str) -> Edit:
        if text.startswith("(") and _closes(text) == len(text) - 1:
            text = text[1:-1]
        inner = 0.0 if self.whole else 0.1
        cost += 0.008 * len(text) + inner
        if "A__" in text:
            return self.scene.source.replacing(self.hole.node, text, cost, family)
        return self.scene.source.replacing(self.hole.node, "D", cost, family, D=text)

    def _scaled(self, own: Array) -> Iterator[Edit]:
        c = _fit(own, self.hole.gap)
        label = None if c is None else familiar(1 + c, self.scalars)
        if label and label != "0":
            sign, text = times(label, "A__")
            family = SIGN if (sign, text) == ("-", "A__") else SCALE
            ratio = "/" in label and not label.lstrip("-(").startswith(("1 /", "2 /", "3 /"))
            far = RATIO if ratio and not label.endswith("/ 2") else 0.0
            yield self._edit(sign + text, 1.2 + far, family)

    def _forms(self) -> list[tuple[str, Array]]:
        """Return values that broadcast to x, as they can be written."""
        found: dict[str, Array] = {}
        shape = self.x.shape
        names = self.scene.names(self.s)
        for name, x in names.items():
            if isinstance(x, np.ndarray) and x.dtype.kind in "fbi" and x.size < 4000:
                a = np.asarray(x, dtype=np.float64)
                options: dict[str, Any] = {name: a, f"{name}[..., None]": a[..., None]}
                if a.ndim == 1 and len(shape) > 2:
                    options[f"{name}[:, None, None]"] = a[:, None, None]
                if a.ndim == 2:
                    options[f"{name}.T"] = a.T
                    options[f"{name}[:, :, None, None]"] = a[:, :, None, None]
                if x.dtype.kind == "f":
                    options |= {f"(1 - {name})": 1 - a, f"(1 - {name} ** 2)": 1 - a**2,
                                f"(1 - 2 * {name})": 1 - 2 * a, f"{name} ** 2": a**2,
                                f"{name} ** 3": a**3, f"({name} > 0)": 1.0 * (a > 0),
                                f"({name} < 0)": 1.0 * (a < 0), f"np.sign({name})": np.sign(a),
                                f"np.sqrt({name})": np.sqrt(np.abs(a))}  # fmt: skip
                found |= {k: v for k, v in options.items() if fits(v.shape, shape)}
        for text, x, _ in self.scene.theirs(self.s):
            if isinstance(x, np.ndarray) and x.dtype.kind in "fb" and fits(x.shape, shape):
                a = np.asarray(x, dtype=np.float64)
                found.setdefault(f"({text})", a)
                if x.dtype.kind == "f" and len(text) < 40:
                    found.setdefault(f"({text}) ** 2", a**2)
        found |= elementary(names, shape)
        usable = [(k, v) for k, v in found.items() if np.isfinite(v).all() and np.any(v)]
        return sorted(usable, key=lambda f: len(f[0]))

    def _differences(self) -> list[tuple[str, Array]]:
        """Return a - b and a + b of names, where they broadcast to x."""
        names = self.scene.names(self.s)
        floats = [
            (k, x) for k, x in names.items() if isinstance(x, np.ndarray) and x.dtype.kind == "f"
        ]
        found = []
        for (a, v), (b, w) in itertools.permutations(floats, 2):
            if fits(v.shape, self.x.shape) and fits(w.shape, self.x.shape):
                found.append((f"({a} - {b})", v - w))
                if a < b:
                    found.append((f"({a} + {b})", v + w))
        return [(t, v) for t, v in found if np.isfinite(v).all() and np.any(v)][:120]

    def _factors(self, forms: list[tuple[str, Array]], own: Array) -> Iterator[Edit]:
        """x times, or divided by, a form; and by a product of two."""
        goal = self.hole.gap + own
        forms = forms[:120]
        texts, values = [f"A__ * {t}" for t, _ in forms], [self.x * v for _, v in forms]
        for t, v in forms:
            if np.abs(v).min() > 0:
                texts.append(f"A__ / {t}")
                values.append(self.x / v)
        for i, (t, v) in enumerate(forms[:40]):
            for u, w in forms[i:40]:
                texts.append(f"A__ * {t} * {u}")
                values.append(self.x * v * w)
        for text, c in self._fitted(texts, values, goal):
            family = UPSTREAM if self._names(text, self.upstream) else FACTOR
            sign, full = times(c, text)
            far = 0.5 * (f"/ {self.upstream}" in text)  # nobody divides by the upstream gradient
            yield self._edit(sign + full, 1.45 + far, family)

    def _terms(self, forms: list[tuple[str, Array]]) -> list[tuple[str, Array]]:
        shape = self.x.shape
        names = {k: v for k, v in self.scene.names(self.s).items() if isinstance(v, np.ndarray)}
        found = {t: np.broadcast_to(v, shape) for t, v in forms if v.ndim == len(shape)}
        for i, (t, v) in enumerate(forms[:60]):
            for u, w in forms[i + 1 : 60]:
                if np.broadcast_shapes(v.shape, w.shape) == shape:
                    found.setdefault(f"{t} * {u}", v * w)
        always: dict[str, Array] = {}
        if shape:
            always |= dict(self._analogous(shape))
            always |= dict(library(names, shape, self.upstream))
            always |= dict(self._reduced(names, shape))
            always |= dict(combined(names, shape)) if self.whole else {}
        for (t, v), (u, w) in itertools.product(forms[:20], self._differences()):
            if np.broadcast_shapes(v.shape, w.shape) == shape:
                found.setdefault(f"{t} * {u}", v * w)
        simple = forms[:20]
        below = [(t, v) for t, v in forms[:40] if v.ndim and np.abs(v).min() > 0]
        for i, (t, v) in enumerate(simple):
            for j, (u, w) in enumerate(simple[i:], i):
                product = v * w
                for r, z in simple[j:]:
                    if np.broadcast_shapes(product.shape, z.shape) == shape:
                        found.setdefault(f"{t} * {u} * {r}", product * z)
                for r, z in below:
                    if r not in (t, u) and np.broadcast_shapes(product.shape, z.shape) == shape:
                        found.setdefault(f"{t} * {u} / {r}", product / z)
            for r, z in below:
                if r != t and np.broadcast_shapes(v.shape, z.shape) == shape:
                    found.setdefault(f"{t} / {r}", v / z)
        few = sorted(found.items(), key=lambda f: len(f[0]))[:MOST]
        return sorted({**dict(few), **always}.items(), key=lambda f: len(f[0]))

    def _analogous(self, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
        """Terms of other statements, with one name exchanged: the term with w1 for that with w2."""
        source, names = self.scene.source, list(self.scene.names(self.s))
        terms = dict.fromkeys(
            source.segment(side)
            for n in source.nodes
            if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add | ast.Sub)
            for side in (n.left, n.right)
            if isinstance(side, ast.BinOp)
        )
        for text in [t for t in terms if len(t) < 60 and "\n" not in t][:20]:
            here = {n.id for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)}
            options = [text] + [
                re.sub(rf"\b{a}\b", b, text)
                for a in sorted(here - {"np"})
                for b in names[:16]
                if b not in here
            ]
            for option in options:
                x = self.scene.evaluate(option, self.s)
                floating = isinstance(x, np.ndarray) and x.dtype.kind == "f"
                if floating and x.shape == shape and np.isfinite(x).all() and np.any(x):
                    yield option, x

    def _reduced(self, names: dict[str, Array], shape: tuple[int, ...]) -> Iterator[Any]:
        """Sums over some axes of a value or of a product of two, and what multiplies them."""
        floats = {
            k: v for k, v in names.items() if v.dtype.kind == "f" and v.ndim and v.size < 2000
        }
        full = {k: v for k, v in floats.items() if v.shape == shape}
        pairs = list(floats.items())
        items = list(full.items())
        pairs += [(f"({a} * {b})", v * w) for i, (a, v) in enumerate(items) for b, w in items[i:]]
        for text, v in pairs[:40]:
            for axis in range(v.ndim):
                kept = v.sum(axis=axis, keepdims=True)
                if fits(kept.shape, shape):
                    short = f"{text}.sum(axis={axis}, keepdims=True)"
                    yield short, np.broadcast_to(kept, shape)
                    for name, w in items[:10]:
                        yield f"{name} * {short}", kept * w
                if kept.squeeze(axis).shape == shape:
                    yield f"{text}.sum(axis={axis})", kept.squeeze(axis)

    def _sums(self, terms: list[tuple[str, Array]], own: Array) -> Iterator[Edit]:
        texts, values = [t for t, _ in terms], [v for _, v in terms]
        for text, label in self._fitted(texts, values, self.hole.gap):
            sign, full = times(label, text)
            family = DETACHED if self._idle(text) else TERM
            yield self._edit(f"A__ {sign or '+'} {full}", 1.6, family)
        for text, label in self._fitted(texts, values, self.hole.gap + own):
            sign, full = times(label, text)
            yield self._edit(sign + full, 1.7, VARIABLE)
        yield from self._twos(terms[:TWO], own)

    def _twos(self, terms: list[tuple[str, Array]], own: Array) -> Iterator[Edit]:
        """x + c t + d u, and c t + d u alone."""
        if not self.whole or self.hole.gap.size < 8:
            return
        columns = np.array([self.hole.matrix @ np.ravel(v) for _, v in terms])
        size = np.linalg.norm(columns, axis=1)
        use = np.flatnonzero(size > 1e-12 * size.max(initial=1.0))
        unit = columns[use] / size[use, None]
        gram = unit @ unit.T
        det = 1 - gram**2
        for goal, start, cost in ((self.hole.gap, "A__ ", 2.0), (self.hole.gap + own, "", 2.1)):
            along = unit @ goal
            first = (along[:, None] - gram * along[None, :]) / np.where(det > 1e-6, det, np.inf)
            left = goal @ goal - first * along[:, None] - first.T * along[None, :]
            near = np.argwhere(np.triu((det > 1e-6) & (left < 1e-8 * (goal @ goal)), 1))
            for j, k in near[:30]:
                cs = first[j, k] / size[use[j]], first[k, j] / size[use[k]]
                labels = [familiar(float(c), self.scalars) for c in cs]
                if None in labels or "0" in labels:
                    continue
                parts = [
                    times(str(c), terms[use[i]][0]) for c, i in zip(labels, (j, k), strict=True)
                ]
                text = start + " ".join(f"{sign or '+'} {full}" for sign, full in parts)
                yield self._edit(text.removeprefix("+ "), cost, TERM)

    def _fitted(self, texts: list[str], values: list[Array], goal: Array) -> list[tuple[str, str]]:
        """Return which values, times which familiar numbers, give `goal`; the shortest first."""
        if not texts or not np.any(goal):
            return []
        shape = self.x.shape
        flat = np.array([np.broadcast_to(v, shape).reshape(-1) for v in values], dtype=np.float64)
        columns = flat @ self.hole.matrix.T
        square = np.einsum("kp,kp->k", columns, columns)
        with np.errstate(all="ignore"):
            c = columns @ goal / square
            left = np.abs(c[:, None] * columns - goal).max(axis=1)
        good = np.flatnonzero(np.isfinite(c) & (left < LEFT * np.abs(goal).max()))
        found = []
        for k in sorted(good.tolist(), key=lambda k: len(texts[k]))[:12]:
            label = familiar(float(c[k]), self.scalars)
            if label and label != "0":
                found.append((texts[k], label))
        return found

    def _idle(self, text: str) -> bool:
        """Whether a term has a name that the function computes and does not use."""
        nodes = [n for n in self.scene.source.nodes if isinstance(n, ast.Name)]
        used = {n.id for n in nodes if isinstance(n.ctx, ast.Load)}
        made = {n.id for n in nodes if isinstance(n.ctx, ast.Store)}
        return any(self._names(text, name) for name in made - used)

    def _names(self, text: str, name: str) -> bool:
        tree = ast.parse(text, mode="eval")
        return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree))


def _closes(text: str) -> int:
    """Return where the first parenthesis closes."""
    depth = 0
    for i, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return i
    return len(text)


def _fit(column: Array, goal: Array) -> float | None:
    """Return c with c · column = goal, None if there is none."""
    square = float(column @ column)
    if not square:
        return None
    c = float(column @ goal) / square
    return c if np.abs(c * column - goal).max() < LEFT * np.abs(goal).max() else None

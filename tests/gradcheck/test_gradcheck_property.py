"""The verdict of a gradient check is never false: many functions whose gradient is known.

Each draw takes a function, inputs of a scale between 1e-12 and 1e12, numbers of float32 or float64,
and the true gradient by formula. It is given to the check as it is, or wrong by 1e-6 to 1: in one
element, by a factor, or by a term. The bound on the numeric derivatives is tested, too.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest

from minires.gradcheck.judge import judge
from minires.gradcheck.numeric import compare
from minires.gradcheck.subject import Subject


@dataclass
class Known:
    """y = forward(*inputs), its gradients true(dy, *inputs), and which elements lie at a kink."""

    forward: object
    true: object
    inputs: tuple
    kinks: tuple = ()


class Exact(Subject):
    """A Known function, its gradients changed by `spoil`."""

    def __init__(self, known, spoil):
        self.known, self.spoil = known, spoil
        self.name, self.notes = "f", []
        self.arrays = list(known.inputs)
        self.names = [f"x{i}" for i in range(len(self.arrays))]

    def value(self, arrays):
        return np.asarray(self.known.forward(*arrays)), None

    def gradients(self, v, layout=np.copy):
        grads = self.known.true(layout(v), *(layout(a) for a in self.arrays))
        grads = grads if isinstance(grads, tuple) else (grads,)
        return [np.array(g) for g in (self.spoil(grads) if self.spoil else grads)]

    def conduct(self, v):
        return {}


# ---- the functions ------------------------------------------------------------------------------
def size(rng, low=-12, high=12):
    return 10.0 ** rng.uniform(low, high)


def normal(rng, most=5):
    x = rng.standard_normal(rng.integers(1, most + 1))
    return x.astype(np.float32).astype(np.float64) if rng.random() < 0.5 else x


def elementwise(f, df):
    """Return a family c f(x / s)."""

    def make(rng):
        s, c = size(rng), size(rng)
        x = s * normal(rng)
        return Known(lambda x: c * f(x / s), lambda dy, x: dy * (c / s) * df(x / s), (x,))

    return make


def decades(f, df, low=-9, high=3):
    """Return a family c f(x), the elements of x positive and of many sizes."""

    def make(rng):
        c = size(rng)
        x = 10.0 ** rng.uniform(low, high, rng.integers(1, 6))
        return Known(lambda x: c * f(x), lambda dy, x: dy * c * df(x), (x,))

    return make


def exponentials(rng):
    x = rng.uniform(-20, 20, rng.integers(2, 6))
    return Known(lambda x: np.exp(2 * x), lambda dy, x: 2 * dy * np.exp(2 * x), (x,))


def softmax(rng):
    x = rng.choice([0.0, 1e3, 1e7, -1e5]) + normal(rng, 6)

    def forward(x):
        e = np.exp(x - x.max())
        return e / e.sum()

    def true(dy, x):
        p = forward(x)
        return p * (dy - np.sum(dy * p))

    return Known(forward, true, (x,))


def logsumexp(rng):
    x, c = rng.choice([0.0, 1e3]) + normal(rng, 6), size(rng)

    def forward(x):
        return float(c * (x.max() + np.log(np.sum(np.exp(x - x.max())))))

    def true(dy, x):
        e = np.exp(x - x.max())
        return dy * c * e / e.sum()

    return Known(forward, true, (x,))


def layer_norm(rng):
    x = rng.choice([0.0, 10.0, 1e4]) + rng.standard_normal(rng.integers(3, 7))

    def forward(x):
        c = x - x.mean()
        return c / np.sqrt(np.mean(c**2) + 1e-3)

    def true(dy, x):
        c = x - x.mean()
        sd = np.sqrt(np.mean(c**2) + 1e-3)
        return (dy - dy.mean() - c * np.mean(dy * c) / sd**2) / sd

    return Known(forward, true, (x,))


def norm(rng):
    x, c = size(rng) * normal(rng), size(rng)
    return Known(
        lambda x: c * np.sqrt(np.sum(x**2)), lambda dy, x: dy * c * x / np.sqrt(np.sum(x**2)), (x,)
    )


def product(rng):
    x = size(rng) * rng.standard_normal(3)
    w = size(rng) * rng.standard_normal(3)
    return Known(lambda x, w: x * w, lambda dy, x, w: (dy * w, dy * x), (x, w))


def squares(rng):
    """Return a loss of a matrix product; intercepts beside values of another size."""
    x = rng.standard_normal((4, 2)) * [1.0, size(rng, -4, 4)]
    w, t = rng.standard_normal(2), rng.standard_normal(4)
    return Known(
        lambda w: 0.5 * np.sum((x @ w - t) ** 2), lambda dy, w: dy * (x.T @ (x @ w - t)), (w,)
    )


def kinked(f, df, at):
    """Return a family c f(x / s) with a kink at `at`, where some elements may lie."""

    def make(rng):
        s, c = size(rng), size(rng)
        x = np.concatenate([normal(rng), rng.standard_normal(2)])
        tie = np.zeros(x.size, bool)
        if rng.random() < 0.5:
            tie[0] = True
            x[0] = at
        s = 2.0 ** np.round(np.log2(s))
        return Known(
            lambda x: c * f(x / s), lambda dy, x: dy * (c / s) * df(x / s), (s * x,), (tie,)
        )

    return make


def maximum(rng):
    s, x = size(rng), rng.standard_normal(5)
    tie = np.zeros(5, bool)
    if rng.random() < 0.4:
        x[1] = x[3] = x.max() + 0.5
        tie[[1, 3]] = True

    def true(dy, x):
        dx = np.zeros(5)
        dx[np.argmax(x)] = dy
        return dx

    return Known(lambda x: x.max(), true, (s * x,), (tie,))


UNARY = [
    (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    (np.sin, np.cos),
    (lambda x: x * x, lambda x: 2 * x),
    (lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x)),
    (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    (lambda x: np.log1p(x * x), lambda x: 2 * x / (1 + x * x)),
    (lambda x: np.sqrt(1 + x * x), lambda x: x / np.sqrt(1 + x * x)),
    (lambda x: np.maximum(x, 0.1 * x), lambda x: np.where(x > 0, 1.0, 0.1)),
    (lambda x: 3 * x - 1, lambda x: 3 + 0 * x),
]


def composition(rng):
    chosen = [UNARY[k] for k in rng.integers(0, len(UNARY), rng.integers(2, 5))]
    s = size(rng)

    def forward(x):
        x = x / s
        for f, _ in chosen:
            x = f(x)
        return x

    def true(dy, x):
        slope, x = dy / s, x / s
        for f, df in chosen:
            slope, x = slope * df(x), f(x)
        return slope

    return Known(forward, true, (s * normal(rng),))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FAMILIES = {
    "exp": elementwise(np.exp, np.exp),
    "tanh": elementwise(np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "cube": elementwise(lambda x: x**3, lambda x: 3 * x**2),
    "sin": elementwise(lambda x: np.sin(3 * x), lambda x: 3 * np.cos(3 * x)),
    "sigmoid": elementwise(sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "offset": elementwise(lambda x: x**2 + 1e4, lambda x: 2 * x),
    "log": decades(np.log, lambda x: 1 / x),
    "sqrt": decades(np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "reciprocal": decades(lambda x: 1 / x, lambda x: -1 / x**2),
    "log1p": decades(np.log1p, lambda x: 1 / (1 + x), -6, 3),
    "exponentials": exponentials,
    "softmax": softmax,
    "logsumexp": logsumexp,
    "layer norm": layer_norm,
    "norm": norm,
    "product": product,
    "squares": squares,
    "relu": kinked(lambda x: np.maximum(x, 0), lambda x: x > 0, 0.0),
    "abs": kinked(np.abs, np.sign, 0.0),
    "clip": kinked(lambda x: np.clip(x, -0.5, 0.5), lambda x: np.abs(x) < 0.5, 0.5),
    "leaky": kinked(lambda x: np.maximum(x, 0.1 * x), lambda x: np.where(x > 0, 1, 0.1), 0.0),
    "squared relu": kinked(lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0), 9.0),
    "max": maximum,
    "composition": composition,
}


# ---- the draws ----------------------------------------------------------------------------------
def spoiler(rng, known, true):
    """Return what makes gradients wrong, and the error of each element."""
    t = int(rng.integers(len(true)))
    candidates = true[t] != 0
    if known.kinks:
        candidates &= ~known.kinks[t]
    if not candidates.any():
        return None, None
    relative = 10.0 ** rng.uniform(-6, 0) * rng.choice([-1, 1])
    how = rng.choice(["element", "factor", "term"])
    where = candidates
    if how == "element":
        where = np.zeros(candidates.shape, bool)
        where[tuple(rng.choice(np.argwhere(candidates)))] = True

    def spoil(grads):
        wrong = np.roll(grads[t], 1) if how == "term" else grads[t]
        return [g + where * relative * wrong if k == t else g for k, g in enumerate(grads)]

    change = spoil(true)[t] - true[t]
    return (spoil, (t, change)) if change.any() else (None, None)


def draw(seed):
    """Return the family, whether it was spoilt, the verdict, and what is false about it or ""."""
    rng = np.random.default_rng(seed)
    name = list(FAMILIES)[seed % len(FAMILIES)]
    known = FAMILIES[name](rng)
    with np.errstate(all="ignore"):
        y = np.asarray(known.forward(*known.inputs))
        v = np.asarray(rng.standard_normal(y.shape))
        true = Exact(known, None).gradients(v)
        spoil, error = spoiler(rng, known, true) if rng.random() < 0.5 else (None, None)
        subject = Exact(known, spoil)
        found = compare(subject, v, subject.gradients(v), 100, rng)
        rows = [judge(c, 0.0, False) for c in found]
    verdicts = {row.verdict for row in rows}
    verdict = next(x for x in ("FAIL", "UNDECIDED", "VACUOUS", "PASS") if x in verdicts)
    for c, t in zip(found, true, strict=True):
        off = np.abs(c.numeric - t) > c.bound + 1e-9 * np.abs(t)
        if off[~np.isnan(c.numeric)].any():
            i = int(np.argmax(off))
            return (
                name,
                spoil is not None,
                verdict,
                (f"bound {c.bound.flat[i]:.1e} of {c.numeric.flat[i]:.10g}, true {t.flat[i]:.10g}"),
            )
    if spoil is None:
        zero = all(np.all(t == 0) for t in true)
        return name, False, verdict, "" if verdict in ("PASS", "UNDECIDED") or zero else "right"
    t, change = error
    c = found[t]
    visible = np.abs(change) > 2 * c.bound + 2e-8 * np.abs(true[t])
    wrong = verdict in ("PASS", "VACUOUS") and visible[~np.isnan(c.numeric)].any()
    large = (np.abs(change) > 1e-4 * np.abs(true[t])).mean() > 0.3
    return name, True, verdict, "wrong" if wrong or (verdict == "PASS" and large) else ""


def tally(seeds):
    false, verdicts = [], Counter()
    for seed in seeds:
        name, spoilt, verdict, problem = draw(seed)
        verdicts[name, spoilt, verdict] += 1
        if problem:
            false.append((seed, name, spoilt, verdict, problem))
    return false, verdicts


@pytest.mark.parametrize("name", FAMILIES)
def test_no_false_verdict(name):
    first = list(FAMILIES).index(name)
    false, _ = tally(range(first, 12 * len(FAMILIES), len(FAMILIES)))
    assert false == []


@pytest.mark.slow
def test_no_false_verdict_in_ten_thousand_draws():
    false, verdicts = tally(range(10_000))
    assert false == []
    undecided = sum(n for (_, _, verdict), n in verdicts.items() if verdict == "UNDECIDED")
    assert undecided <= 200

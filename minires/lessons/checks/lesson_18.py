"""Lesson 18: the project, whose checks judge whatever function the learner has chosen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...gradcheck import check_backward
from ...tensor import Array
from ..exercise import Exercise, Wrong, expect_array, expect_number, number, require
from ..exercise import require_written as written
from ..expect import described

Own = Callable[..., Any]
STEP = 1e-5  # of finite differences
ONE_NUMBER = [np.array([x]) for x in (-1.5, 0.25, 2.0)]
BLOCKS, WIDTH, ROWS = 27, 128, 16  # of the nets in which a start is measured
LEAST, MOST = 1.1, 4.0  # what a start may make of signal and gradient
QUANTILE = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # Student's t, 95 %, for so many seeds


def _array(found: Any, shape: tuple[int, ...], what: str) -> Array:
    """Return what was found as finite numbers of this shape."""
    written(found)
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        values = None
    if values is None or values.shape != shape:
        raise Wrong(f"{what}: expected an array of shape {shape}, got {described(found)}")
    require(np.isfinite(values).all(), f"{what}: not all of its entries are finite")
    return values


def _tuple(found: Any, names: str, how_many: int) -> tuple[Any, ...]:
    written(found)
    require(
        isinstance(found, tuple | list) and len(found) == how_many,
        f"expected {names}, got {described(found)}",
    )
    return tuple(found)


def _own(x: Any) -> Any:
    """The function of the solution: a squared ReLU."""
    with np.errstate(over="ignore"):
        return np.maximum(x, 0) ** 2


def _pass(x: Any, dy: Any) -> tuple[Any, Any]:
    with np.errstate(over="ignore", invalid="ignore"):  # deep plain nets may overflow
        return _own(x), 2 * np.maximum(x, 0) * dy


def _check_function(f: Own) -> None:
    x = np.random.default_rng(18).uniform(-4, 4, (6, 5))
    given = x.copy()
    y = _array(f(given), x.shape, "own(x) for x of shape (6, 5)")
    require((given == x).all(), "own(x) changes the x that it was given: return a new array")
    for shape in ((30,), (5, 6)):
        again = _array(f(x.reshape(shape)), shape, f"own(x) for x of shape {shape}")
        expect_array(again, y.reshape(shape), f"the same numbers in an array of shape {shape}")
    for i, x_i in enumerate(ONE_NUMBER):
        alone = _array(f(x_i), (1,), "own(x) for a single number")
        together = _array(f(np.concatenate(ONE_NUMBER)), (3,), "own(x) for three numbers")
        require(
            abs(alone[0] - together[i]) <= 1e-9 * max(1, abs(alone[0])),
            f"not elementwise: own of {x_i[0]:g} alone is {alone[0]:.6g}, and beside two other "
            f"numbers {together[i]:.6g}",
        )
    _shape_of(f)


def _shape_of(f: Own) -> None:
    """Require a function that is finite, without jumps, bent, and not the ReLU."""
    grid = np.linspace(-8, 8, 4001)
    y = _array(f(grid), grid.shape, "own(x) for x from -8 to 8")
    fine = _array(f(grid + 1e-7), grid.shape, "own(x) for x from -8 to 8")
    jumps = np.abs(fine - y) > 1e-3 * (1 + np.abs(y))
    steps = np.abs(np.diff(y))
    worst = int(steps.argmax())
    around = steps[max(worst - 3, 0) : worst + 4]
    jump = steps[worst] > 0.05 and steps[worst] > 20 * np.median(around)
    require(
        not (jumps.any() or jump),
        f"it jumps near x = {grid[int(jumps.argmax()) if jumps.any() else worst]:.3g}: at a jump "
        "there is no derivative; a kink would be allowed",
    )
    line = np.polyval(np.polyfit(grid, y, 1), grid)
    require(
        np.abs(y - line).max() > 1e-3 * (1 + np.abs(y).max()),
        "it is a straight line: two linear layers with a line between them are one linear layer",
    )
    require(
        np.abs(y - np.maximum(grid, 0)).max() > 1e-6,
        "this is the ReLU, with which your block is to be compared: choose one of your own",
    )


def _slope(forward: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """Return the derivative of an elementwise function, and where it has a kink."""
    here, above, below = forward(x), forward(x + STEP), forward(x - STEP)
    right, left = (above - here) / STEP, (here - below) / STEP
    kink = np.abs(right - left) > 1e-2 * (1 + np.abs(right) + np.abs(left))
    return (above - below) / (2 * STEP), kink


def _check_backward(f: Own) -> None:
    rng = np.random.default_rng(182)
    for shape in ((7,), (4, 5), (200,)):
        x, dy = rng.uniform(-3, 3, shape), rng.standard_normal(shape)
        names = "two arrays (own(x), dL/dx)"
        first = _tuple(f(x.copy(), dy.copy()), names, 2)
        _array(first[0], shape, "own(x)")
        dx = _array(first[1], shape, "dL/dx")

        def forward(at: Array, dy: Array = dy) -> Array:
            return _array(_tuple(f(at, dy.copy()), "two arrays", 2)[0], at.shape, "own(x)")

        slope, kink = _slope(forward, x)
        expect_array(
            dx, np.where(kink, dx, dy * slope),
            "dL/dx, beside finite differences of your own forward pass", rtol=1e-4,
            mistakes={
                "that is the derivative; by the chain rule it is multiplied by dy": slope,
                "that is dy itself: multiply by the derivative at x": dy,
                "that is own(x) times dy: take the derivative of own": forward(x) * dy,
            },
        )  # fmt: skip


def _block(x: Any, w1: Any, w2: Any, scale: float, dy: Any) -> tuple[Any, Any, Any, Any]:
    z = x @ w1.T
    hidden, slope = _pass(z, 1.0)
    dz = scale * (dy @ w2) * slope
    return x + scale * hidden @ w2.T, dy + dz @ w1, dz.T @ x, scale * dy.T @ hidden


def _check_block(f: Own) -> None:
    rng = np.random.default_rng(183)
    n, width = 5, 4
    one, nothing = np.eye(width), np.zeros((n, width))

    def own(z: Array) -> Array:
        """The learner's function, as the block itself shows it: weights of 1 and scale 1."""
        return _array(f(z, one, one, 1.0, nothing)[0], z.shape, "y") - z

    names = "four arrays (y, dL/dx, dL/dw1, dL/dw2)"
    for scale in (0.5, 1.0, -2.0):
        x, dy = rng.standard_normal((2, n, width))
        w1, w2 = rng.standard_normal((2, width, width))
        found = _tuple(f(x, w1, w2, scale, dy), names, 4)
        z = x @ w1.T
        hidden = own(z)
        slope, kink = _slope(own, z)
        dz = np.where(kink, 0, scale * (dy @ w2) * slope)
        unsure = bool(kink.any())
        expect_array(
            found[0], x + scale * hidden @ w2.T, f"y for scale {scale:g}", rtol=1e-5,
            mistakes={
                "the skip is missing": scale * hidden @ w2.T,
                "the scale is missing": x + hidden @ w2.T,
                "the scale belongs to the branch only": scale * (x + hidden @ w2.T),
                "w2 is used transposed: a layer computes x @ w.T": x + scale * hidden @ w2,
            },
        )  # fmt: skip
        expect_array(
            found[3], scale * dy.T @ hidden, f"dL/dw2 for scale {scale:g}", rtol=1e-5,
            mistakes={"the scale is missing": dy.T @ hidden},
        )  # fmt: skip
        if unsure:
            continue
        for i, what, right in ((1, "dL/dx", dy + dz @ w1), (2, "dL/dw1", dz.T @ x)):
            expect_array(
                found[i], right, f"{what} for scale {scale:g}", rtol=1e-4,
                mistakes={
                    "the part that comes along the skip is missing": right - dy,
                    "the part that comes through the branch is missing": dy,
                } if i == 1 else {},
            )  # fmt: skip


def _spoilt(which: str) -> Callable[..., Any]:
    """Return a backward pass of a block with softsign in it, one gradient of which is wrong."""

    def backward(dy: Array, x: Array, w1: Array, w2: Array) -> tuple[Array, Array, Array]:
        z = x @ w1.T
        hidden, slope = z / (1 + np.abs(z)), 1 / (1 + np.abs(z)) ** 2
        dz = 0.5 * (dy @ w2) * slope
        dx, dw1, dw2 = dy + dz @ w1, dz.T @ x, 0.5 * dy.T @ hidden
        if which == "x":
            dx = dz @ w1 + dy * (x > -1)
        elif which == "w1":
            dw1 = dw1 * 1.01
        elif which == "w2":
            dw2 = 0.5 * dy.T @ np.where(np.abs(z) > 1, np.sign(z) * 0.5, hidden)
        elif which == "x, w1":
            dz = 0.5 * (dy @ w2) * (1 - hidden**2)
            dx, dw1 = dy + dz @ w1, dz.T @ x
        return dx, dw1, dw2

    return backward


def _softsign_block(x: Array, w1: Array, w2: Array) -> Array:
    z = x @ w1.T
    y: Array = x + 0.5 * (z / (1 + np.abs(z))) @ w2.T
    return y


def _find(forward: Own, backward: Own, x: Any, w1: Any, w2: Any) -> list[str]:
    report = check_backward(forward, backward, x, w1, w2, names=("x", "w1", "w2"))
    return [row.tensor for row in report.rows if row.verdict != "PASS"]


def _check_find(f: Own) -> None:
    rng = np.random.default_rng(184)
    x, w1, w2 = rng.standard_normal((6, 3)), *rng.standard_normal((2, 3, 3))
    x[0, 0] = -2.0
    for which in ("", "w1", "x", "w2", "x, w1"):
        right = [name for name in ("x", "w1", "w2") if name in which.split(", ")]
        found = f(_softsign_block, _spoilt(which), x.copy(), w1.copy(), w2.copy())
        written(found)
        names = list(found) if isinstance(found, list | tuple) else None
        if names is None or not all(isinstance(name, str) for name in names):
            raise Wrong(f"expected a list of names from x, w1 and w2, got {described(found)}")
        accused = [name for name in names if name not in right]
        missed = [name for name in right if name not in names]
        require(not accused, f"a right gradient is called wrong: {', '.join(accused)}")
        require(
            not missed,
            f"of a pass with {len(right)} wrong gradient{'s' * (len(right) > 1)}, "
            f"{len(missed)} {'is' if len(missed) == 1 else 'are'} not in your list",
        )


def _walk(own: Own, scale: float, seed: int) -> tuple[float, float]:
    """Return what 27 blocks do to the RMS of the stream, and to that of the gradient."""
    rng = np.random.default_rng(seed)
    x, dx = rng.standard_normal((2, ROWS, WIDTH))
    start = x
    kept = []
    for _ in range(BLOCKS):
        w1, w2 = rng.standard_normal((2, WIDTH, WIDTH)) / math.sqrt(WIDTH)
        z = x @ w1.T
        hidden = np.asarray(own(z, np.zeros_like(z))[0], np.float64)
        x = x + scale * hidden @ w2.T
        kept.append((z, w1, w2))
        if not np.isfinite(x).all() or np.abs(x).max() > 1e6:
            return math.inf, math.inf
    last = dx
    for z, w1, w2 in reversed(kept):
        dx = dx + np.asarray(own(z, scale * dx @ w2)[1], np.float64) @ w1
    return (
        float(np.sqrt(np.mean(x**2) / np.mean(start**2))),
        float(np.sqrt(np.mean(dx**2) / np.mean(last**2))),
    )


def _start(blocks: int) -> tuple[float, float, Own]:
    z = np.random.default_rng(0).standard_normal(20_000)

    def through(scale: float) -> tuple[float, float]:
        signal = gradient = 1.0
        for _ in range(blocks):
            y, slope = _pass(math.sqrt(signal) * z, np.ones_like(z))
            gradient *= 1 + scale**2 * float(np.mean(slope**2))
            signal += scale**2 * float(np.mean(y**2))
        return signal, gradient

    scale = 0.01
    while max(through(scale + 0.01)) < 2.5:
        scale += 0.01
    return scale, math.sqrt(through(scale)[1]), _pass


def _check_start(f: Own) -> None:
    names = "(scale, ratio, function): two numbers and own_pass itself"
    scale, ratio, own = _tuple(f(BLOCKS), names, 3)
    s, predicted = number(scale), number(ratio)
    require(callable(own), f"expected {names}, got {described(own)} as the third")
    if s is None or predicted is None:
        raise Wrong(f"expected {names}, got {described(scale)} and {described(ratio)}")
    require(s != 0, "with scale 0 the branches do nothing, and the net computes its input")
    with np.errstate(all="ignore"):
        runs = np.array([_walk(own, s, seed) for seed in range(6)])
    require(np.isfinite(runs).all(), f"with the scale {s:g} the stream explodes in {BLOCKS} blocks")
    signal, gradient = np.exp(np.log(runs).mean(axis=0))
    for what, value in (("stream", signal), ("gradient", gradient)):
        said = f"with the scale {s:g} the RMS of the {what} becomes {value:.3g} times as large"
        require(value <= MOST, f"{said}, more than {MOST:g}: take a smaller scale")
        require(value >= LEAST, f"{said}, less than {LEAST:g}: the branches say hardly anything")
    mistakes = {
        "that is the ratio of the squares": gradient**2,
        "that is the last gradient over the first": 1 / gradient,
        "that is the factor of one block": gradient ** (1 / BLOCKS),
    }
    expect_number(
        predicted, float(gradient), 0.1, mistakes=mistakes,
        what=f"the ratio of the gradient, first to last, beside the one measured with scale {s:g}",
    )  # fmt: skip


def _claim(ours: Any, others: Any) -> tuple[float, float, str]:
    gaps = np.asarray(ours) - np.asarray(others)
    middle = float(gaps.mean())
    half = float(QUANTILE[len(gaps)] * gaps.std(ddof=1) / math.sqrt(len(gaps)))
    verdict = "no difference" if abs(middle) <= half else "better" if middle < 0 else "worse"
    return middle, half, verdict


RUNS = (  # errors of two nets in %, a pair for each seed
    ([8.1, 7.2, 7.9], [61.0, 59.8, 63.4]),
    ([8.1, 7.2, 9.9], [8.4, 6.9, 8.8]),
    ([12.0, 13.1, 12.2], [8.0, 9.3, 8.1]),
    ([12.0, 8.0, 15.0, 10.0, 14.0], [11.0, 7.2, 14.1, 9.1, 13.2]),
)


def _check_claim(f: Own) -> None:
    for ours, others in RUNS:
        found = _tuple(f(list(ours), list(others)), "(difference, half width, verdict)", 3)
        middle, half, verdict = _claim(ours, others)
        n = len(ours)
        gaps = np.asarray(ours) - np.asarray(others)
        expect_number(
            found[0], middle, 1e-3, f"the difference of {ours} and {others}",
            mistakes={"that is the median": float(np.median(gaps))},
        )  # fmt: skip
        expect_number(
            found[1], half, 0.01, f"the half width of {ours} and {others}",
            mistakes={
                "use ddof=1": float(QUANTILE[n] * gaps.std() / math.sqrt(n)),
                "divide by the root of the number of seeds": float(QUANTILE[n] * gaps.std(ddof=1)),
                "that is the standard error; multiply it by t": half / QUANTILE[n],
                "pair the seeds: take the deviation of the differences": float(
                    QUANTILE[n] * math.hypot(np.std(ours, ddof=1), np.std(others, ddof=1))
                    / math.sqrt(n)
                ),
            },
        )  # fmt: skip
        _same_verdict(found[2], verdict)


def _same_verdict(found: Any, verdict: str) -> None:
    require(
        found in ("better", "worse", "no difference"),
        f'the verdict is "better", "worse" or "no difference", got {described(found)}',
    )
    if found != verdict:
        raise Wrong(
            f'the verdict "{found}" does not follow from the difference and the half width: small '
            "errors are good, and a difference within the half width is none"
        )


def _report(prediction: float, ours: Any, others: Any) -> dict[str, Any]:
    middle, half, verdict = _claim(ours, others)
    return {
        "question": "Does a residual net with a squared ReLU have a smaller test error than its "
        "twin?",
        "prediction": prediction,
        "measured": middle,
        "spread": half,
        "verdict": verdict,
        "refuted_by": "5 more seeds whose mean difference lies outside of measured ± spread",
    }


KEYS = ("question", "prediction", "measured", "spread", "verdict", "refuted_by")


def _check_report(f: Own) -> None:
    for prediction, (ours, others) in zip((-50.0, 0.0, -3.0, 2.0), RUNS, strict=True):
        found = f(prediction, list(ours), list(others))
        written(found)
        if not isinstance(found, dict):
            raise Wrong(f"expected a dictionary, got {described(found)}")
        missing = [key for key in KEYS if key not in found]
        require(not missing, f"the report has no {', '.join(map(repr, missing))}")
        for key, words, sign in (("question", 5, "?"), ("refuted_by", 6, "")):
            text = found[key]
            require(
                isinstance(text, str) and len(text.split()) >= words and sign in text,
                f"{key!r}: expected a sentence{' that ends in ?' * bool(sign)}, got "
                f"{described(text)}",
            )
        require(
            any(c.isdigit() for c in found["refuted_by"]),
            "'refuted_by': say it in numbers: how many seeds, which difference?",
        )
        told = number(found["prediction"])
        require(
            told is not None and abs(told - prediction) < 1e-9,
            f"'prediction': it was {prediction:g} before the run; a report does not change it",
        )
        middle, half, verdict = _claim(ours, others)
        expect_number(found["measured"], middle, 0.01, f"'measured' for {ours} and {others}")
        expect_number(found["spread"], half, 0.02, f"'spread' for {ours} and {others}")
        _same_verdict(found["verdict"], verdict)


EXERCISES = {
    "18.1": Exercise(
        _check_function,
        _own,
        hints=(
            "Anything goes that turns each number into a number, without jumps, and is neither a "
            "line nor the ReLU.",
            "Take a function you know (tanh, x / (1 + |x|), a ReLU with a bend elsewhere) and "
            "write it with NumPy, so that it works on arrays of any shape.",
            "A squared ReLU, for example, is np.maximum(x, 0) with ** 2 behind it.",
        ),
        kind="design",
        points=10,
        wrong=(
            lambda x: np.maximum(x, 0),
            lambda x: 3 * x + 1,
            lambda x: x - x.mean(),
            lambda x: (x > 0) * 1.0,
            lambda x: np.full_like(x, np.inf),
        ),
    ),
    "18.2": Exercise(
        _check_backward,
        _pass,
        hints=(
            "An elementwise function has one derivative for each number. What does the chain rule "
            "do with dy?",
            "dL/dx is dy times the derivative of your function at x, number by number. At a kink "
            "either slope will do.",
            "Return a pair: own(x), and dy * (the derivative of own at x). For the squared ReLU "
            "the derivative is 2 * np.maximum(x, 0).",
        ),
        points=15,
        wrong=(
            lambda x, dy: (np.maximum(x, 0) ** 2, 2 * np.maximum(x, 0)),
            lambda x, dy: (np.tanh(x), dy * (1 - x**2)),
            lambda x, dy: (np.tanh(x), dy),
            lambda x, dy: np.tanh(x),
        ),
    ),
    "18.3": Exercise(
        _check_block,
        _block,
        hints=(
            "Make two nn.Linear without bias, give them w1 and w2 with update_, and make x a "
            "tensor that requires a gradient. Own.apply stands between the layers.",
            "first.double() and second.double() keep float64. After y = x + scale * branch, call "
            "y.backward(dy) and read the .grad of x and of both weights.",
            "y = leaf + scale * second(Own.apply(first(leaf))); return y.data, leaf.grad, "
            "first.weight.grad, second.weight.grad.",
        ),
        points=15,
        wrong=(
            lambda x, w1, w2, scale, dy: (
                _block(x, w1, w2, scale, dy)[0] - x,
                *_block(x, w1, w2, scale, dy)[1:],
            ),
            lambda x, w1, w2, scale, dy: _block(x, w1, w2, 1.0, dy),
            lambda x, w1, w2, scale, dy: (
                _block(x, w1, w2, scale, dy)[0],
                _block(x, w1, w2, scale, dy)[1] - dy,
                *_block(x, w1, w2, scale, dy)[2:],
            ),
            lambda x, w1, w2, scale, dy: _block(x, w1, w2.T, scale, dy),
        ),
    ),
    "18.4": Exercise(
        _check_find,
        _find,
        hints=(
            "check_backward of minires.gradcheck takes the forward pass, the backward pass and the "
            "arrays. Print its report and read the column of verdicts.",
            'Give it names=("x", "w1", "w2"). The report has rows, and each row has a tensor (its '
            "name) and a verdict.",
            'Return the row.tensor of each row in report.rows whose row.verdict is not "PASS".',
        ),
        kind="bug",
        points=15,
        wrong=(
            lambda forward, backward, x, w1, w2: ["x", "w1", "w2"],
            lambda forward, backward, x, w1, w2: [],
            lambda forward, backward, x, w1, w2: _find(forward, backward, x, w1, w2)[:1],
            lambda forward, backward, x, w1, w2: "x",
        ),
    ),
    "18.5": Exercise(
        _check_start,
        _start,
        hints=(
            "Draw many standard normal numbers z. With E[x²] = v at its input, a block adds "
            "s² times the mean of own(√v z)² to v.",
            "Follow v through all blocks for a given s, and multiply 1 + s² · mean(slope²) for the "
            "gradient on the way; the slope is own_pass(√v z, ones)[1]. Try many s.",
            "Take the largest s for which both stay below 2.5 (these are squares). Return it with "
            "the square root of the product, and with own_pass.",
        ),
        kind="experiment",
        points=20,
        wrong=(
            lambda blocks: (1 / math.sqrt(blocks), 1.6, _pass),
            lambda blocks: (0.0, 1.0, _pass),
            lambda blocks: (0.01, 1.0, _pass),
            lambda blocks: (_start(blocks)[0], _start(blocks)[1] ** 2, _pass),
            lambda blocks: (_start(blocks)[0], 1.0, _pass),
        ),
    ),
    "18.6": Exercise(
        _check_claim,
        _claim,
        hints=(
            "Each seed gives one difference, ours minus the other's. What is their mean, and how "
            "uncertain is it?",
            "The standard error is the deviation (ddof=1) over the root of the number of seeds; "
            "the half width is T of the number of seeds times that.",
            'If the difference is within the half width it is "no difference"; else "better" '
            "where it is negative, for these are errors.",
        ),
        kind="experiment",
        points=10,
        wrong=(
            lambda ours, others: (float(np.mean(ours) - np.mean(others)), 0.0, "better"),
            lambda ours, others: (*_claim(ours, others)[:2], "better"),
            lambda ours, others: _claim(others, ours),
            lambda ours, others: (
                _claim(ours, others)[0],
                float(np.std(np.subtract(ours, others))),
                _claim(ours, others)[2],
            ),
        ),
    ),
    "18.7": Exercise(
        _check_report,
        _report,
        hints=(
            "Six keys: question, prediction, measured, spread, verdict, refuted_by. Which of them "
            "may depend on the run?",
            "measured, spread and verdict are what claim(ours, others) returns; prediction is what "
            "was given. The two sentences are yours.",
            "The question ends in a question mark; refuted_by says which result, in numbers, would "
            "make you give the verdict up.",
        ),
        kind="design",
        points=15,
        wrong=(
            lambda prediction, ours, others: _report(_claim(ours, others)[0], ours, others),
            lambda prediction, ours, others: (
                _report(prediction, ours, others) | {"verdict": "better"}
            ),
            lambda prediction, ours, others: (
                _report(prediction, ours, others)
                | {"refuted_by": "nothing at all could ever refute this"}
            ),
            lambda prediction, ours, others: _report(prediction, ours, others) | {"question": "?"},
        ),
    ),
}

"""Checks of the project's results: the start of its branch, its claim and its report."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..exercise import Wrong, expect_number, number, require, require_written
from ..expect import described
from .project_parts import Own, own_pass, tuple_of

BLOCKS, WIDTH, ROWS = 27, 128, 16  # of the nets in which a start is measured
LEAST, MOST = 1.1, 4.0  # what a start may make of signal and gradient
QUANTILE = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # Student's t, 95 %, for so many seeds


def walk(own: Own, scale: float, seed: int) -> tuple[float, float]:
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


def start(blocks: int) -> tuple[float, float, Own]:
    """The start of the solution: a scale, the predicted ratio, and the passes."""
    z = np.random.default_rng(0).standard_normal(20_000)

    def through(scale: float) -> tuple[float, float]:
        signal = gradient = 1.0
        for _ in range(blocks):
            y, slope = own_pass(math.sqrt(signal) * z, np.ones_like(z))
            gradient *= 1 + scale**2 * float(np.mean(slope**2))
            signal += scale**2 * float(np.mean(y**2))
        return signal, gradient

    scale = 0.01
    while max(through(scale + 0.01)) < 2.5:
        scale += 0.01
    return scale, math.sqrt(through(scale)[1]), own_pass


def check_start(f: Own) -> None:
    """Measure nets of the learner's own passes with the chosen scale."""
    names = "(scale, ratio, function): two numbers and own_pass itself"
    scale, ratio, own = tuple_of(f(BLOCKS), names, 3)
    s, predicted = number(scale), number(ratio)
    require(callable(own), f"expected {names}, got {described(own)} as the third")
    if s is None or predicted is None:
        raise Wrong(f"expected {names}, got {described(scale)} and {described(ratio)}")
    require(s != 0, "with scale 0 the branches do nothing, and the net computes its input")
    with np.errstate(all="ignore"):
        runs = np.array([walk(own, s, seed) for seed in range(6)])
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


def claim(ours: Any, others: Any) -> tuple[float, float, str]:
    """The claim of the solution: mean difference, half width at 95 %, verdict."""
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


def check_claim(f: Own) -> None:
    """Try a claim on runs of every outcome."""
    for ours, others in RUNS:
        found = tuple_of(f(list(ours), list(others)), "(difference, half width, verdict)", 3)
        middle, half, verdict = claim(ours, others)
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


def report(prediction: float, ours: Any, others: Any) -> dict[str, Any]:
    """The report of the solution."""
    middle, half, verdict = claim(ours, others)
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


def check_report(f: Own) -> None:
    """Require that a report agrees with runs of every outcome, not that it is good news."""
    for prediction, (ours, others) in zip((-50.0, 0.0, -3.0, 2.0), RUNS, strict=True):
        found = f(prediction, list(ours), list(others))
        require_written(found)
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
        middle, half, verdict = claim(ours, others)
        expect_number(found["measured"], middle, 0.01, f"'measured' for {ours} and {others}")
        expect_number(found["spread"], half, 0.02, f"'spread' for {ours} and {others}")
        _same_verdict(found["verdict"], verdict)

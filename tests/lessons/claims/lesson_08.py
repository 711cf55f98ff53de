"""What lesson 8 states, asserted on what its script measures."""

import math

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "1.414": lambda n: math.sqrt(2),
    "-0.5": lambda n: -0.5,
    "1.5": lambda n: (1 + 2) / 2,  # half of the sum of stream and branch
    "0.01": "setting: learning rate",
    "90": "definition: nine of ten classes, guessed",
}


def claims(n):
    assert n["growth"] == pytest.approx(2, abs=0.15)
    assert n["backward_growth"] == pytest.approx(math.sqrt(2), abs=0.04)
    assert (n["per_block"](n["late_signal"]) ** 2 > 1.5).all()
    assert (n["per_block"](n["late_signal"]) ** 2 > 2.15).all()  # "worse" than the other block
    assert (n["per_block"](n["late_signal"]) ** 2 < 3).all()
    assert n["signal"][:, -1].min() > 3e6
    assert n["gradient"][:, 0].min() > 3e6
    assert (np.abs(np.log(n["no_skip"][:, -1])) < 1.5).all()  # within a factor of 4.5 of 1
    for rate in n["RATES"]:
        curves = n["unrepaired"][rate]
        assert [c.diverged_at for c in curves] == [1] * len(curves)
    assert len(n["stuck"]) == n["P"].seeds
    assert n["stuck"] == pytest.approx([90] * len(n["stuck"]), abs=4)
    assert min(n["first_losses"]) > 1e8
    assert 1e-7 * min(n["first_steps"]) > 1
    assert n["lasting"] == []
    remedies(n)
    learning(n)
    assert np.array(n["designed"]) == pytest.approx(n["LIMIT"], rel=0.4)


def remedies(n):
    """What each way to start the branch does to signal and gradient of fresh nets."""
    blocks = n["B"]
    assert n["ratio"] == pytest.approx(n["gradient_ratio"](blocks), rel=0.04)
    assert n["gradient_ratio"](10**6) == pytest.approx(math.sqrt(math.e), rel=1e-5)
    assert n["scaled_signal"][:, -1] == pytest.approx(math.sqrt(math.e), rel=0.04)
    assert n["zero_signal"] == pytest.approx(1, abs=0.01)
    assert np.ptp(n["zero_signal"], axis=1).max() == 0
    assert n["bn_signal"][:, -1] == pytest.approx(math.sqrt(blocks + 1), rel=0.05)
    assert n["default_signal"][:, -1] == pytest.approx((1 + 1 / 36) ** (blocks / 2), rel=0.15)
    assert n["bn_sizes"] == pytest.approx(
        np.broadcast_to(1 / np.sqrt(n["place"]), n["bn_sizes"].shape), rel=0.1
    )
    assert n["exponents"] == pytest.approx([-0.5] * len(n["exponents"]), abs=0.02)
    assert n["he_sizes"].mean() == pytest.approx(1, abs=0.06)
    assert n["default_sizes"].mean() == pytest.approx(1 / 6, abs=0.015)
    growth = 1 + 1 / 36
    assert growth**50 == pytest.approx(3.9, abs=0.05)
    assert growth**1000 == pytest.approx(8e11, rel=0.05)


def learning(n):
    """What the first step moves, and which nets train."""
    assert n["moving"] == 0
    assert n["alphas"] == n["B"]
    assert n["moved"] == 0
    errors = dict(n["errors"])
    assert errors.pop(n["explosion"]) == [None] * n["P"].seeds
    assert len(errors) == 6
    for found in errors.values():
        assert None not in found
        assert max(found) < 92
    steps = by_hand()
    assert steps == [(0.5, 1.0), (0.75, 1.125)]


def by_hand():
    """The two steps of the text: y = x + αwx, x = w = 1, α = 0, target 2, rate 0.5."""
    alpha, w, path = 0.0, 1.0, []
    for _ in range(2):
        dy = 1 + alpha * w - 2
        alpha, w = alpha - 0.5 * dy * w, w - 0.5 * dy * alpha
        path.append((alpha, w))
    return path


def claims_in_full(n):
    for name, found in n["errors"].items():
        if name != n["explosion"]:
            assert max(found) < 25, name


def headline(n):
    return {
        "what": "He init without normalisation: growth of E[x²] and of the gradient per block",
        "measured": f"{spread(n['growth'], '{:.3f}')}; {spread(n['backward_growth'], '{:.3f}')}",
        "reference": f"2; √2 = {math.sqrt(2):.3f}",
        "verdict": f"agrees within {100 * abs(np.mean(n['growth']) / 2 - 1):.0f} %; "
        f"{len(n['errors']) - 1} ways to start small train",
    }

"""What lesson 11 states, asserted on what its script measures."""

import numpy as np
import pytest

NUMBERS = {
    "50,000": "definition: the training images of CIFAR-10",
}


def claims(n):
    assert n["three_steps"]() == (0.5, 0.45)
    assert max(n["apart"].values()) < 1e-5  # rounding in float32
    for _, loss, formula in n["floors"]:
        assert loss == pytest.approx(formula, rel=0.06)
    assert n["half_life"](0.1, 0.9, 0.0005) == pytest.approx(1386, abs=1)
    stored(n)
    if not n["lesson"].fast:
        momentum(n)
        cliff(n)
        decay(n)
        networks(n)


def stored(n):
    """The record that comes with the lesson."""
    errors = n["errors"]
    assert errors[n["LAST_EPOCH"]] == pytest.approx(12.03)
    assert n["late_fall"] > n["middle_fall"] / 4  # in a fifth of the epochs
    assert n["early_jump"] > 3 * n["late_jump"]
    assert n["budget_run"].rows("epochs.csv")[-1]["lr"] == 0
    for before, after, jitter in n["falls"][:1]:  # of he2015, if it is there: the first cut
        assert before - after > jitter


def momentum(n):
    """At one rate nearly anything can come out; at a tenth of the rate the curves are alike."""
    low, high = n["same"]
    assert low < 0.5 < 5 < high
    low, high = n["tenth"]
    assert 0.5 < low < high < 5
    assert 0.5 < n["best"]["no momentum"] / n["best"]["momentum 0.9"] < 2
    assert n["nearest"] == pytest.approx(0.01)


def cliff(n):
    """The average of uncut weights shows most of the fall, and larger batches a good part of it."""
    final = n["final"]
    assert n["part"] > 0.75
    assert final[n["CUT"]] < 0.9 * final[n["KEEP"]]
    assert final[n["LARGER"]] < 0.95 * final[n["KEEP"]]


def decay(n):
    """A decay whose half-life is short is in balance; that of usual recipes hardly shows."""
    assert n["turn"][0.05] == pytest.approx(n["in_theory"][0.05], rel=0.25)
    grown = n["grown"]
    assert grown[0.0] > 1 > grown[0.005] > grown[0.05]
    if not n["lesson"].full:
        assert abs(grown[0.0005] / grown[0.0] - 1) < 0.15


def networks(n):
    """What an ablation takes away, and what a net recognises."""
    rise = {name: found.mean() for name, found in n["rise"].items()}
    if "without momentum" in rise:  # at ten times the rate it is hardly missed
        assert rise["no momentum, rate 1"] < rise["without momentum"] - 5
        assert "without momentum" in n["clear"]
        assert "without weight decay" not in n["clear"]  # "in so few steps"
    assert n["kinds"]["one pixel to the right"] > n["kinds"]["mirrored"] + 20
    assert all(len(found) == n["P"].seeds for found in n["runs"].values())


def headline(n):
    final = n["final"]
    return {
        "what": "share of the fall at a cut of the rate that an average of uncut weights shows",
        "measured": f"{100 * n['part']:.0f} %; loss {final[n['KEEP']]:.3f} uncut, "
        f"{final[n['CUT']]:.3f} cut, {final[n['AVERAGE']]:.3f} averaged",
        "reference": "noise floor η s / (2 (2 − ηa)): 100 %",
        "verdict": f"what leaves is noise; {len(n['clear'])} of {len(n['rise'])} ablations show "
        f"at {100 * float(np.mean(n['share'])):.1f} ± {n['one_error']:.1f} % test error",
    }

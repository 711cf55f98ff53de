"""What lesson 0 states, asserted on what its script measures."""

import math

import pytest

from minires.lessons import spread

NUMBERS = {"1.5": lambda n: n["send"]("z", 1.0)[1]}  # the branch's part of the gradient at x


def claims(n):
    hand = {"x": 3.5, "w": 2.0, "v": 6.0, "c": 2.0}
    assert n["by_engine"] == hand
    assert n["by_minires"] == hand
    assert n["propagate"](n["backward_order"](n["TEN"], "L"), n["TEN"], n["send"]) == hand | {
        "L": 1.0, "e": 2.0, "y": 2.0, "f": 2.0, "a": 1.0, "z": 1.0,
    }  # fmt: skip
    x, w, v, c = n["VALUES"].values()
    z = w * x
    assert (z, v * z, x + v * z, x + v * z + c) == (3, 1.5, 3.5, 1)
    assert n["BY_HAND"] == {"e": 2.0, "x": 3.5, "w": 2.0, "v": 6.0}
    assert all(n["buggy"][name] != n["BY_HAND"][name] for name in n["BY_HAND"])
    assert max(n["to_minires"]) < 1e-14  # rounding in the last digit
    assert max(n["to_differences"]) < 1e-7
    three_engines(n["at_u"])
    assert n["at_x0"] == 2
    assert n["visits"][10] > 25 * n["visits"][5]  # doubled by each block
    assert n["visits"][10] > 100 * len(n["stack"](10))
    assert n["outcomes"]["by recursion"] == "RecursionError"
    assert n["outcomes"]["by counting"] == "10,000 nodes in order"
    assert n["deep_gradient"] == pytest.approx(n["deep_theory"], rel=1e-9)
    assert n["by_counter"] == pytest.approx(n["backward_over_forward"](8), rel=0.05)
    assert n["share"][:, -1].min() > 0.9
    assert n["times_dearer"] > 1000
    skip, branch, whole, off = n["block"].T
    assert skip == pytest.approx(1, abs=1e-12)
    assert branch == pytest.approx(1, abs=0.1)
    assert whole == pytest.approx(math.sqrt(2), abs=0.1)
    assert off.max() < 1e-12


def three_engines(at_u):
    assert at_u["right"] == at_u["way_by_way"] == [1, 2, 4, 8]
    assert at_u["overwriting"] == [1, 1, 1, 1]
    assert at_u["breadth_first"] == [1, 1, 1, 1]  # the skip's part alone
    assert at_u["at_every_visit"][0] == 1
    assert all(w > r for w, r in zip(at_u["at_every_visit"][1:], [2, 4, 8], strict=True))


def headline(n):
    counted = float(n["by_counter"].mean())
    return {
        "what": "one backward pass in forward passes, 8 layers, by counting",
        "measured": spread(n["by_counter"].ravel(), "{:.2f}"),
        "reference": f"(2 · 8 − 1) / 8 = {n['backward_over_forward'](8):.2f}",
        "verdict": f"agrees within {100 * abs(counted / n['backward_over_forward'](8) - 1):.0f} %",
    }

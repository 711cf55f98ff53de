"""What lesson 6 says."""

import itertools

import numpy as np

from minires.lessons import spread

NUMBERS = {
    "54": lambda n: n["DEEP"],
    "6": "a setting of lesson 5: the layers of its shallowest net",
}


def claims(n):
    assert max(n["differences"]) == 0
    assert max(n["stayed"]) < 1 < 30 < np.mean(n["found"])
    assert np.mean(n["broken"]) > 5
    assert max(n["mended"]) == 0
    assert n["easiest"] < 0.2
    assert n["hardest"] > n["easiest"] + 0.3
    assert n["bent"] < 0.25 < np.tanh(0.5)
    errors = {sigma: np.mean(e) for sigma, e in n["trained"].items()}
    first, last = n["P"].noise[0], n["P"].noise[-1]
    assert errors[first] < 5
    assert errors[last] > 30
    assert n["near_fresh"] < n["far_fresh"] - 30  # the start, not what had been learned before
    for ratios in n["ratios"].values():  # the gradient neither vanishes nor explodes
        assert 0.1 < np.mean(ratios) < 10


def claims_in_full(n):
    assert n["NEAR"] == 0.2
    assert np.mean(n["untrained"][0.2]) > 70  # nearly as often as a guess
    assert n["near"] < 5
    assert n["near_fresh"] < 40
    assert n["near_fresh"] - n["near"] < n["far_fresh"] - n["near_fresh"]
    near, far = (np.mean(n["ratios"][sigma]) for sigma in (0.2, n["P"].noise[-1]))
    assert 0.5 < near / far < 2  # about the same gradient for both
    assert n["best_rate"] not in (max(n["RATES"]), min(n["RATES"]))
    assert n["hardest"] > 0.8
    errors = [np.mean(e) for e in n["nothing"].values()]
    assert all(b > a - 0.03 for a, b in itertools.pairwise(errors))  # the deeper, the harder


def headline(n):
    return {
        "what": f"training error of {n['DEEP']} plain layers: built by hand, and found by SGD (%)",
        "measured": f"{spread(n['stayed'], '{:.2f}')}; {spread(n['found'], '{:.1f}')}",
        "reference": f"outputs of the built net differ by 0; measured {max(n['differences']):g}",
        "verdict": "the solution exists, and SGD does not find it",
    }

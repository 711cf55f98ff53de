"""What lesson 5 states: where its numbers come from, and its sentences as assertions."""

import numpy as np

from minires.lessons import spread

NUMBERS = {
    "54": "setting: the depth at which the claim is made",
    "1.21": lambda n: n["exploding"](n["claimed"] - 1, None),
    "50": "setting: minutes, in the header",
    "4": "definition: the number of an experiment of this lesson",
    "1500": lambda n: len(n["inputs"]),
    "8": lambda n: n["digits"].x_train.shape[-1],
    "56": "He et al. 2015 (arXiv 1512.03385), Figure 1, cited again under What the paper found",
    "-2": "example: 95 % of unit Gaussian numbers are between -2 and 2",
}


def claims(n):
    mean, asis = n["mean"], {kind: n["mean"](v) for kind, v in n["asis"].items()}
    best = {kind: n["best"][kind][1] for kind in n["best"]}
    shallow = n["P"].depths[0]
    assert asis["plain"] > 60
    assert asis["plain"] > asis["residual"] + 25
    assert n["ends"]["plain"] > n["ends"]["residual"] + 0.5
    assert n["diagnosis"]["plain"] == "degradation"
    plain_shallow = mean([100 * c.final_error for c in n["base"]["plain", shallow]])
    assert asis["plain"] > plain_shallow + 25
    assert len(set(n["counted"].values())) == 1
    assert n["counted"]["plain"] == n["parameters"](18)
    # every control: the plain net stays far behind
    assert best["plain"] > best["residual"] + 25
    assert n["gap"] > 25
    for both in filter(None, (n["adam"], n["orthogonal"], n["equally"])):
        assert mean(both["plain"]) > mean(both["residual"]) + 25
    assert min(n["remedies"].values()) > asis["residual"] + 15
    assert n["plain_low"] > n["residual_high"] + 15
    # the explosion is real, shorter after ten steps, and put into the residual net not enough
    ratios = {key: float(np.median(found)) for key, found in n["ratios"].items()}
    assert ratios["plain", 0] > 1000
    assert ratios["residual", 0] < 200
    assert ratios["plain", 10] < ratios["plain", 0] / 10
    assert n["exploded_error"] < best["plain"] - 15
    assert n["exploded_rate"] == 0.001
    assert mean(n["exploded"][0.01]) > n["exploded_error"] + 10
    # nearly linear layers, whose gradient explodes less
    assert mean(n["sigmoid"]) < asis["plain"] - 15
    assert n["sigmoid_grows"] < ratios["plain", 0] / 100


def claims_in_full(n):
    mean, claimed = n["mean"], n["claimed"]
    assert claimed == 54
    assert mean(n["asis"]["plain"]) > 70
    assert mean(n["asis"]["residual"]) < 10
    for rate, _ in n["best"].values():  # the best rate is not the smallest or the largest
        assert min(n["P"].rates) < rate < max(n["P"].rates)
    assert n["best"]["plain"][1] > 65
    assert n["best"]["residual"][1] < 6
    assert mean(n["tripled"][54]) > 60
    assert mean(n["tripled"][54]) < mean(n["asis"]["plain"])  # slow, not stuck
    assert mean(n["tripled"][18]) < 10  # "mostly a lack of steps"
    assert n["plain_18"] > 3 * mean(n["tripled"][18])
    assert n["residual_18"] < 5
    for both in filter(None, (n["adam"], n["orthogonal"], n["equally"])):
        assert mean(both["plain"]) > 65
        assert mean(both["residual"]) < 10
    assert min(n["remedies"].values()) > 65
    # the square: columns change little, rows nearly everything
    assert abs(n["best"]["plain"][1] - mean(n["equally"]["plain"])) < 15
    assert abs(n["exploded_error"] - mean(n["equally"]["residual"])) < 15
    assert n["exploded_error"] < 15
    assert mean(n["exploded"][0.01]) > 40
    assert mean(n["sigmoid"]) < 15
    assert mean(n["relu"]) > 65
    # deeper plain nets are worse at every epoch
    losses = {d: np.mean([c.losses for c in n["base"]["plain", d]], axis=0) for d in (6, 18, 54)}
    assert (losses[54] > losses[18])[1:].all()
    assert (losses[18] > losses[6])[1:].all()


def headline(n):
    plain, residual = (spread(n["asis"][kind], "{:.1f}") for kind in ("plain", "residual"))
    return {
        "what": f"training error of {n['claimed']} layers, plain and residual (%)",
        "measured": f"{plain}; {residual}",
        "reference": "He et al. 2015, Figure 1: higher for the deeper plain net",
        "verdict": f"degradation; {n['gap']:.0f} points remain at the best rates",
    }

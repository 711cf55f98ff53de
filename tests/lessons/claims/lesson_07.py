"""What lesson 7 says."""

import numpy as np

from minires.lessons import spread

NUMBERS = {}


def claims(n):
    assert n["sizes"]["none"] == n["sizes"]["identity"]
    assert n["difference"] < 1e-12
    plain = [np.mean(n["mixtures"]["plain", t]) for t in (0.0, 0.5, 1.0)]
    assert n["same"] < n["half"] < n["far"]
    assert n["same"] < min(plain) / 3
    # theory knows the branch share of every block
    measured = n["shares"][0].mean(axis=0)
    assert np.abs(measured - n["theory"]).max() < 0.08
    assert measured[0] > 0.6 > 0.4 > measured[-1]
    assert abs(n["cosines"].mean()) < 0.05
    assert n["mean_length"][0].mean() < 0.9 * n["BLOCKS"] / 2
    assert max(n["gates"]) < 0.5
    assert n["apart"][0.0] < 0.01 < 0.05 < n["apart"][n["DECAY"]]
    mean, start, plain = n["mean"], n["START"], n["PLAIN"]
    assert mean[start] < mean[plain] - 30
    assert max(n["stays"]) < 0.15 < 1.2 < n["he_distance"]


def claims_in_full(n):
    mean = n["mean"]
    assert mean[n["RESIDUAL"]] < mean[n["START"]] + 3 < 20
    assert n["covered"] > 85  # nearly all of it is the start
    assert min(mean[n[arm]] for arm in ("PLAIN", "NORMED", "START_NORMED")) > 60
    assert np.mean(n["linear"]) > 30  # one layer cannot do it
    depth = n["DEPTH"]
    assert n["lever"][n["RESIDUAL"], depth][2] >= n["lever"][n["START"], depth][2] >= 1
    plain = [np.mean(n["mixtures"]["plain", t]) for t in (0.0, 0.5, 1.0)]
    assert max(plain) - min(plain) < 0.2  # about equally hard
    helped = [p - r for p, r in zip(plain, (n["same"], n["half"], n["far"]), strict=True)]
    assert helped[0] > helped[1] > helped[2] > 0.15  # most where the target is close
    assert n["same"] < 0.05  # solved
    assert n["half"] < 0.2  # nearly
    assert n["far"] > 0.3  # hard
    assert n["mean_length"][0].mean() < 0.7 * n["BLOCKS"] / 2
    assert n["mean_length"][n["STEP"]].mean() < n["mean_length"][0].mean()
    assert n["shrunk"] > 0.8 * n["BLOCKS"]
    assert n["smaller"] < 0.2 * n["P"].seeds * n["BLOCKS"]
    assert np.mean(n["stays"]) < 0.1
    assert n["gap"] < 8  # theory and measurement, in points
    assert np.abs(n["cosines"].mean(axis=0)).max() < 0.15
    with_skip, without, _ = np.mean(n["twins"][n["DECAY"]], axis=0)
    assert without > with_skip  # the decay pulls the plain twin away


def headline(n):
    start, plain, residual = (n["at_depth"][n[arm]] for arm in ("START", "PLAIN", "RESIDUAL"))
    return {
        "what": "training error without any skip, started at W = I (%)",
        "measured": f"{spread(start, '{:.1f}')}; residual {spread(residual, '{:.1f}')}, "
        f"He init {spread(plain, '{:.0f}')}",
        "reference": f"mean path: {spread(n['mean_length'][0], '{:.1f}')} branches, "
        f"theory {n['theory'].sum():.1f}",
        "verdict": f"the start covers {n['covered']:.0f} % of the gap",
    }

"""What lesson 12 states, asserted on what its script measures."""

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "90": "definition: nine of ten classes, guessed",
    "180": "definition: half a turn",
    "270": "definition: three quarters of a turn",
    "297": lambda n: len(n["x_test"]),
    "54": "the paper's network has 54 blocks",
    "27": "half of 54",
    "64": lambda n: n["paths_left"](6, 0),
    "64,000": "cited: He et al. 2015, the steps of its training on CIFAR-10",
    "0.45": "cited: Veit et al. 2016",
    "22": "setting: lengths near the middle",
    "32": "setting: lengths near the middle",
    "17": "cited: Veit et al. 2016",
    "5": "cited: Veit et al. 2016",
    "2,000": "setting: stored.read and subset(2000)",
    "95": "definition: the central part that is reported",
    "40": "setting: SHARES below the half",
    "100": "definition: all, in per cent",
}
PLAIN, RESIDUAL, START = "plain", "residual", "no skip, started at W = I"


def claims(n):
    assert pytest.approx(1.331) == 1.1**3
    assert pytest.approx(1.21) == 1.331 - 0.121
    assert 0.085 < 0.121 / 1.331 < 0.095  # "nine per cent"
    assert n["paths_left"](3, 1) == 4
    assert n["difference"] < 1e-5
    assert n["difference_paths"] < 1e-5
    assert max(n["differences"]) < 1e-2
    assert all(abs(share.sum() - 1) < 1e-9 for share in n["exact"])
    assert n["share_of_paths"](54, 5, 17) == pytest.approx(0.0045, abs=5e-5)
    assert n["share_of_paths"](54, 22, 32) > 0.8
    rise, deep = n["rise"], n["DEEP"]
    assert min(rise[PLAIN], rise[RESIDUAL]) > rise[START]
    assert n["one"][PLAIN].mean() > 80
    assert n["emptied"] > 60  # the layers of the net that started at the identity are needed
    sizes = n["sizes"]
    assert sizes["fresh"][:, 0].mean() == pytest.approx(1, abs=0.1)
    last = sizes["fresh"][:, -1].mean()
    assert last == pytest.approx(1 / np.sqrt(n["P"].blocks), rel=0.1)
    assert all(size[0] > 2 * size[-1] for size in sizes["trained"])
    assert n["real_whole"] < 15 < min(n["real"].values())
    assert n["real_mean"] - n["real_whole"] > 15
    assert n["order"][:3] == ["layer3.0", "layer1.2", "layer3.2"]
    assert len(n["photographs"]) == 19
    assert max(n["photographs"]) < 1
    assert n["below"] >= 17
    assert all(abs(v - 1) < 0.05 for name in (PLAIN, RESIDUAL) for v in n["twins"][name])
    assert n["halved"] < 0.01
    assert n["short"] > 0.99 > 0.5 > n["papers"] > n["long"]
    ensemble, at_half = n["ENSEMBLE"], n["at_half"]
    assert at_half[ensemble] < at_half[deep] - 20
    assert n["declines"][ensemble][:, -1].mean() < n["declines"][deep][:, -1].mean() - 20
    assert np.mean(n["exact_mean"]) < np.mean(n["typical_mean"]) < n["P"].blocks / 2
    assert n["low"] < n["high"] <= n["P"].blocks // 2
    if not n["lesson"].fast:
        in_depth(n)


def in_depth(n):
    """What short trainings of few blocks do not show."""
    rise, deep = n["rise"], n["DEEP"]
    assert rise[START] < 3
    changed = {name: found[:, 1:].mean() for name, found in n["changed"].items()}
    assert changed[START] < changed[RESIDUAL] < changed[PLAIN]  # "the order of the damage"
    assert n["single"][START].mean(axis=0).argmax() == 0
    assert rise[deep] < 10
    assert rise[PLAIN] > max(40, 3 * rise[RESIDUAL])
    assert n["at_half"][START] < min(n["at_half"][deep], n["at_half"][RESIDUAL]) - 15
    assert n["single"][deep][:, 0].mean() > 40  # its first block is missed
    assert n["swap_rise"][RESIDUAL] < rise[RESIDUAL]
    assert n["later"] < n["later_deleted"]
    assert n["swap_rise"][PLAIN] > 40
    hidden = np.mean(n["one"][RESIDUAL]) - np.mean(n["colleague"][RESIDUAL])
    assert hidden > 0.1 * rise[RESIDUAL]
    assert n["healthy"][RESIDUAL] != n["whole"][RESIDUAL]
    assert n["share_lost"].min() > 0.6
    lost = n["single"][RESIDUAL] - np.array(n["whole"][RESIDUAL])[:, None]
    assert lost[:, :2].sum() > 0.5 * lost.sum()  # "most of them in the first two blocks"
    assert n["lost"][:, 0].mean() > 10 * max(0.1, n["lost"][:, -1].mean())
    assert np.mean(n["exact_mean"]) < 0.7 * np.mean(n["typical_mean"])
    assert n["high"] < 17
    assert n["off"].mean() < 20
    assert n["bias"] < 0


def headline(n):
    one, whole = n["one"], n["whole"]
    return {
        "what": "errors without one block: plain, residual, without skips but started at W = I (%)",
        "measured": ", ".join(
            f"{spread(one[name], '{:.0f}')} (whole {np.mean(whole[name]):.0f})"
            for name in (PLAIN, RESIDUAL, START)
        ),
        "reference": "Veit et al. 2016, Figure 3: about 90 for VGG, hardly a rise for ResNet-110",
        "verdict": f"agrees, but it is not the skip; gradient along {np.mean(n['exact_mean']):.1f} "
        f"of {n['P'].blocks} branches, {np.mean(n['typical_mean']):.1f} by the paper's estimate",
    }

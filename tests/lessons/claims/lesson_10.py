"""What lesson 10 states, asserted on what its script measures."""

import math

import numpy as np
import pytest

import minires as mr
from minires import models

NUMBERS = {
    "7,680": lambda n: n["of_large"][50] - n["counted_by_somebody"]((3, 4, 6, 3)),
    "231": lambda n: (n["macs"][50] - n["as_in_paper"][50]) / 1e6,
    "49": lambda n: (224 / 32) ** 2,
    "33": lambda n: sum(n["STAGES"][101]),
    "50": lambda n: sum(n["STAGES"][152]),
    "15": lambda n: 16 - 1,  # places of the stem
    "1,201": lambda n: 6 * 200 + 1,
    "1.21": lambda n: math.sqrt(math.pi / (math.pi - 1)),
    "4.1": lambda n: n["macs"][50] / 1e9,
    "9": "definition: 3 · 3 weights",
    "16": "definition: 4 · 4 places, w of the paper, 3 + 4 + 6 + 3 blocks",
    "7": "definition: a side of 7 pixels, and 224 / 32",
    "224": "definition: 7 · 32",
    "512": "definition: 64 · 2³ filters",
}


def claims(n):
    assert n["one_layer"]() == (n["found"].parameters, n["found"].macs)
    assert all(n["params"](d // 6, 16) == size for d, size in n["built"].items())
    assert n["built"][20] == 269_722
    assert n["built"][1202] == 19_421_274
    closed = [w * w * (378 * k - 90) + w * (28 * k + 69) + 10 for k, w in ((3, 16), (7, 5))]
    assert closed == [n["params"](3, 16), n["params"](7, 5)]
    for depth, seen in n["measured"].items():
        assert n["of_cifar"](depth // 6) == seen.total.macs
    assert n["of_cifar"](5, 8) == 8**2 * 32**2 * (54 * 5 - 9) + 27 * 8 * 32**2 + 40 * 8
    shares = n["shares"]
    assert all(abs(shares["macs", stage] - 33.3) < 1 for stage in (1, 2, 3))
    assert shares["parameters", 3] > 75
    assert n["weights_at"](256) == (1_179_648, 69_632, 65_536)
    assert n["apart"] < 1e-5
    zoo(n)
    memory(n)
    deep(n)
    spent(n)


def zoo(n):
    """The counts of the ImageNet nets, and the options."""
    known = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}
    assert all(n["of_large"][depth] == known[depth] for depth in n["of_large"])
    for depth, blocks in n["STAGES"].items():
        assert n["params_of_bottlenecks"](blocks) == known[depth]
        assert known[depth] - n["counted_by_somebody"](blocks) == 7680
    strided = models.resnet50(stride_in="1x1", seed=0)
    seen = mr.summary(strided, (3, 32, 32)).total.macs
    assert 49 * (seen - 2_048_000) + 2_048_000 == n["as_in_paper"][50] == 3_857_973_248
    for depth, paper in n["PAPERS_MACS"].items():
        if depth in n["macs"]:
            assert abs(n["as_in_paper"][depth] / 1e9 - paper) < 0.1
    assert n["options"][20] == n["check"]
    assert n["options"][50] == {"A": 22_780_456, "B": 25_557_032, "C": 40_128_552}
    assert n["options"][110] == {"A": 1_727_962, "B": 1_730_714, "C": 1_826_202}
    assert n["last"] == (1, 1)
    assert 11.1e6 < n["third_params"] < 11.2e6
    assert 0.54e9 < n["third_macs"] < 0.56e9
    assert sum(size > n["built"][1202] for size in known.values()) == 4  # "most of"


def memory(n):
    assert n["worst"] < 1
    assert n["activation_bytes"](3, 16, 32, 2) == (7 * 3 + 2) * 16 * 32**2 * 4 * 2
    assert n["times"] == pytest.approx(32**2 * 128 / (54 * 16), rel=0.02)
    assert n["kept"][0, -1] > 8000 > 1000 * n["narrower"]
    four = n["four"]
    assert max(four, key=lambda name: four[name]["parameters"]) == "ResNet-50"
    assert max(four, key=lambda name: four[name]["macs"]) == "ResNet-50"
    at_224 = mr.summary(models.resnet18(seed=0), (3, 224, 224), batch=2).memory["kept"] / 2
    assert four["ResNet-18"]["kept"] == pytest.approx(at_224, rel=0.03)


def deep(n):
    """A product of equal factors; the twin without shortcuts is gone before its first step."""
    factor, profiles = n["factor"], n["profiles"]
    assert np.all((factor > 1.12) & (factor < 1.19))
    assert n["largest_residual"] < 1000
    assert n["stopped"]["residual"].count(None) == n["P"].seeds
    assert n["stopped"]["zero-γ residual"].count(None) == n["P"].seeds
    assert np.abs(n["soft_loss"][:, 0] - math.log(10)).max() < 0.5 < n["deep_loss"][:, 0].min()
    if n["P"].depth == 1202:
        assert n["lost"].min() > 300
        assert set(n["stopped"]["plain"]) == {1}
        assert 0 < n["predicted"] - n["finite"].mean() < 60
        assert 20 < n["margin"] < 300  # what Winograd's sums are larger than its results
    else:
        assert profiles["plain"][:, -1].min() > 1e12


def spent(n):
    of_pairs = [n["of_cifar"](k, w, 8, channels=1) for k, w in n["pairs"]]
    assert max(of_pairs) / min(of_pairs) < 1.05
    assert n["pairs"] == [(1, 15), (3, 8), (12, 4)]
    assert n["slower"] > 1.2


def headline(n):
    lost = n["lost"]
    return {
        "what": "parameters of ResNet-20 and -50; 1,202 layers: convolutions without a gradient",
        "measured": f"{n['params'](3, 16):,}; {n['of_large'][50]:,}; plain {lost.mean():.0f} of "
        f"{n['P'].depth - 1:,}, residual 0",
        "reference": "0.27 M and 25.6 M; overflow of float32 after "
        f"{n['predicted']:.0f} layers at {n['factor'].mean():.3f} per layer",
        "verdict": "counts agree exactly; the plain twin ends before its first step",
    }

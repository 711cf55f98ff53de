"""What lesson 13 states, asserted on what its script measures."""

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "3": "setting: filters of 3 × 3",
    "4": "definition: pixels around a place, in each direction; setting: patches of a batch",
    "8": "setting: filters",
    "16": "setting: pixels of a patch",
    "32": "setting: pixels of a picture",
    "255": "definition: white as a byte",
    "600,000": "cited: Kim et al. 2016, §5.2: 9960 batches of 64",
}


def claims(n):
    psnr, test, x = n["psnr"], n["test"], n["x_test"]
    assert psnr(np.array([0.3, 0.4, 0.5, 0.8]), np.array([0.2, 0.4, 0.6, 0.8]), 1) == pytest.approx(
        23.0, abs=0.02
    )
    assert n["WEIGHTS"].sum() == 1
    assert n["wrong_peak"] == pytest.approx(20 * np.log10(255))
    assert n["squares"] < n["bicubic"]
    assert n["shifted"] < n["bicubic"] - 1
    assert n["part"] < 0.2
    assert n["at_edges"] > 0.5
    assert abs(n["missing"].mean()) < 1e-3
    np.testing.assert_allclose(n["by_net"], n["by_formula"], atol=1e-4)
    assert n["by_net"][0] == pytest.approx(n["bicubic"], abs=1e-4)
    assert n["noisy"] == pytest.approx(n["in_theory"], abs=0.1)
    assert n["bug"] < n["no_limit"]
    copy = n["copying"](n["DEEP"], 0)  # before the first step it returns its input
    restored = n["superres"].restore(copy, x)
    np.testing.assert_allclose(restored, np.maximum(x, 0), atol=1e-5)
    assert n["quality"](n["limited"](x, n["added"]), test) >= n["no_limit"]
    for d in n["P"].depths:
        assert n["gaps"][d][0] > 1
        assert n["gaps"][d][-1] < n["gaps"][d][0]
    if not n["lesson"].fast:
        trained(n)


def trained(n):
    """What a short training of small nets does not show."""
    gaps, deep = n["gaps"], n["DEEP"]
    least = min(n["P"].depths)
    assert gaps[deep][-1] > gaps[least][-1] > 0  # larger with depth
    assert n["wider"] >= len(n["AT"]) - 1
    assert n["similar"] > 0.2
    assert n["removed"] > 0.05
    assert abs(n["added"].mean()) < 0.01
    ahead = n["ahead"]
    assert ahead["direct, starts as a copy"] > ahead["direct"] + 0.5  # without any skip
    assert ahead["direct, skips in blocks"] > ahead["direct"]
    assert ahead["residual"] > ahead["direct"] + 0.5
    assert min(n["gain"].values()) > 1  # of the skip, with noise
    assert max(n["of_norm"]["PyTorch's default"]) < 0
    assert n["moved"] > 0.5
    assert n["more"] > 1  # the skip brings more than batch norm
    assert all(isinstance(v, float) for v in n["large"][0.1, n["THETA"]])
    assert n["lost"] > 0


def headline(n):
    gaps, deep = n["gaps"][n["DEEP"]], n["DEEP"]
    residual = n["curves"]["residual", deep][:, -1]
    direct = n["curves"]["direct", deep][:, -1]
    return {
        "what": f"PSNR of twice enlarged pictures, {deep} layers, residual and direct (dB)",
        "measured": f"{spread(residual, '{:.2f}')}; {spread(direct, '{:.2f}')}; "
        f"bicubic {n['bicubic']:.2f}",
        "reference": "Kim et al. 2016, §4.2: the residual net converges much faster",
        "verdict": f"it does: {gaps[0]:.1f} dB ahead after {n['AT'][0]} steps, {gaps[-1]:.1f} "
        f"after {n['AT'][-1]}",
    }

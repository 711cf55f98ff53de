"""What lesson 15 states, asserted on what its script measures."""

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "7": "definition: 3 + 2 + 2 channels",
    "0.71": lambda n: 2**-0.5,
    "27": lambda n: 54 // 2,
    "90": "definition: nine of ten classes, guessed",
}


def claims(n):
    assert n["channels_at_the_end"]() == 160
    assert n["in_block"] == n["dense_weights"](16, 12, 12)
    assert n["apart"] < 1e-12
    assert n["heavier"] > 3
    assert abs(n["size_of"](n["dense"](0, n["growth"])) / n["target"] - 1) < 0.15
    assert n["weights_of"](64, 64, 1) == (36_864, 4_672)
    assert abs(n["resnext"][1] / n["resnext"][0] - 1) < 0.05
    assert n["expected_blocks"](54, 0.5) == pytest.approx(40.25)
    assert np.mean(n["seen"]) == pytest.approx(2, abs=0.05)
    assert n["survivor"](1.0, 2.0, 0.5, False, 0.9) == 2.0
    assert n["differs"] < 1e-12
    paths, blocks = n["paths"], n["P"].blocks
    assert np.all(paths["pre-norm"] == 1)
    measured = paths["post-norm"][:, -1].mean()
    assert 0.2 < measured / 2 ** (-blocks / 2) < 5
    assert 0.3 < paths["post-norm, small branches"][:, -1].mean() < 0.7
    assert np.mean(n["grown"]) == pytest.approx((blocks + 1) ** 0.5, rel=0.25)
    assert n["branch_factor"](0.5, 48) == pytest.approx(0.1712, abs=1e-3)
    if not n["lesson"].fast and not n["lesson"].browser:
        trained(n)


def trained(n):
    """What training shows at the depths of the text."""
    mean, dense = n["mean"], f"dense, k = {n['growth']}"
    assert max(mean["residual"], mean[dense]) < mean["plain"]
    assert 5 < n["saved"] < 45
    assert n["he"] > 80
    assert n["identity"] < n["he"] - 50
    assert n["identity"] < n["normed"]
    assert n["pre"] < n["post"] - 30
    assert n["small"] < n["post"] - 30
    assert max(n["shallow"]) < 40


def headline(n):
    blocks = n["P"].blocks
    form = "{:.1f}"
    return {
        "what": f"training error of {blocks} blocks with layer norm: post-norm, pre-norm, and "
        "post-norm with small branches (%)",
        "measured": "; ".join(
            spread(n["stacks"][blocks, kind], form)
            for kind in ("post-norm", "pre-norm", "post-norm, small branches")
        ),
        "reference": f"direct path of post-norm: 2^(-{blocks}/2) = {2 ** (-blocks / 2):.0e}, "
        f"measured {n['paths']['post-norm'][:, -1].mean():.0e}",
        "verdict": "the direct path decides, not the place of the norm; and without any skip a "
        f"start at the identity reaches {n['identity']:.0f} % (He {n['he']:.0f} %)",
    }

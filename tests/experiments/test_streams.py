"""Theory of residual MLPs, block by block, against measurements over seeds."""

import math

import numpy as np
import pytest

from minires import gradflow
from minires.__main__ import main
from minires.experiments import streams


def setting(depth=40, skip="preact", norm="none", init="he", **options):
    options = {"arch": "mlp", "activation": "relu", "width": 16} | options
    return gradflow.Setting(depth=depth, skip=skip, norm=norm, init=init, **options)


def measured(depth, skip, norm, init, scale, width):
    """Return the batch's products, E[x²] at the first block, log dx from the last on, shares."""
    options = {"width": width, "branch_scale": scale}
    runs = gradflow.run("mlp", [depth], [skip], [norm], [init], "relu", 3, **options)
    x, _ = runs[0].experiment.load()
    inner = [[s for s in r.layers if s.stream][1:-1] for r in runs]
    start = np.mean([layers[0].forward_rms ** 2 for layers in inner])
    dx = np.log([[s.dx_norm for s in layers] for layers in inner]).mean(axis=0)
    shares = np.mean([[b.share for b in r.blocks] for r in runs], axis=0)
    return x[:128] @ x[:128].T, start, dx - dx[-1], shares


@pytest.mark.parametrize(
    ("depth", "skip", "norm", "init", "scale", "width", "tolerance"),
    [
        (56, "preact", "bn", "he", 1.0, 128, 0.12),  # at the first block; 0.02 from the fifth on
        pytest.param(40, "preact", "bn", "he", "1/sqrt(blocks)", 256, 0.08, marks=pytest.mark.slow),
        (40, "preact", "none", "he", 1.0, 256, 0.25),  # seeds are far apart
        pytest.param(
            40, "preact", "none", "xavier", "1/sqrt(blocks)", 256, 0.08, marks=pytest.mark.slow
        ),
        (20, "identity", "none", "he", 1.0, 512, 0.2),  # falls with the width: 0.5 at 128
        pytest.param(
            40, "identity", "none", "he", "1/sqrt(blocks)", 256, 0.1, marks=pytest.mark.slow
        ),
    ],
)
def test_gradient_and_shares_of_residual_nets(depth, skip, norm, init, scale, width, tolerance):
    gram, start, found, shares = measured(depth, skip, norm, init, scale, width)
    net = setting(depth, skip, norm, init, branch_scale=scale, width=width)
    dx, expected = streams.profile(net, start, gram)
    assert np.abs(found - np.log(dx)).max() < tolerance, np.exp(found - np.log(dx))
    np.testing.assert_allclose(shares, expected, rtol=0.15)
    if norm == "bn" and scale == 1:  # 1/√l
        assert expected[-1] == pytest.approx(1 / math.sqrt(start + depth / 2 - 1), rel=0.02)


def test_samples_that_differ_in_all_directions_alike_are_those_of_a_linear_net():
    """There the factor of batch norm is (B - 2) / (B - 3), exactly."""
    for n in (8, 64):
        s, factor = streams._normalised(3.0 * np.eye(n) + 5.0)
        assert factor == pytest.approx((n - 2) / (n - 3) / 3, rel=1e-3)
        assert np.diag(s) == pytest.approx(np.ones(n), rel=1e-4)
        assert s.sum(axis=0) == pytest.approx(np.zeros(n), abs=1e-9)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"branch_scale": "skipinit"}, "starts at 0"),
        ({"skip": "identity", "norm": "bn"}, "pre-activation"),
        ({"norm": "ln"}, "layer or group norm"),
        ({"norm": "gn"}, "layer or group norm"),
        ({"activation": "gelu"}, "activation"),
        ({"init": "identity"}, "not random"),
        ({"arch": "conv"}, "conv"),
        ({"skip": "none"}, "no residual net"),
    ],
)
def test_where_there_is_no_theory_the_reason_is_said(change, why):
    net = setting(**change)
    assert streams.profile(net, 1.0, np.eye(8)) is None
    assert why in streams.reason(net)


def test_the_command_says_why_the_column_of_theory_is_empty(tmp_path, capsys):
    nets = ("--depths", "4", "--skip", "none,identity", "--norm", "none,bn", "--init", "he")
    assert main(["gradflow", *nets, "--seeds", "1", "--width", "16", "--out", str(tmp_path)]) == 0
    lines = [s for s in capsys.readouterr().out.splitlines() if s.startswith("no factor in theory")]
    assert len(lines) == 2
    assert "mlp-4 residual none he: with the ReLU after the sum" in lines[0]
    assert lines[0].endswith("; the figure has it block by block")
    assert "mlp-4 residual bn he: with batch norm a residual net grows by a power" in lines[1]

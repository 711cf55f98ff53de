"""Measured norms against mean-field theory, within 2 % (wide MLPs at initialisation, 3 seeds)."""

import math

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import gradflow, models, nn
from minires.gradflow import theory
from minires.record import Recorder, norm

WIDTH, DEPTH, SEEDS = 256, 30, 3


def measured_factor(**setting):
    options = {
        "depths": [DEPTH],
        "skips": ["none"],
        "norms": ["none"],
        "width": WIDTH,
        "seeds": SEEDS,
    }
    runs = gradflow.run("mlp", **(options | setting))
    return float(np.mean([r.dx_factor for r in runs]))


@pytest.mark.parametrize(
    ("activation", "init", "expected"),
    [
        ("relu", "he", 1.0),
        pytest.param("relu", "xavier", 0.7071, marks=pytest.mark.slow),
        ("relu", "default", 0.4082),
        ("sigmoid", "xavier", 0.2361),
        ("identity", "xavier", 1.0),
        pytest.param("tanh", "default", 0.5774, marks=pytest.mark.slow),
        pytest.param("leaky_relu", "he", 1.0, marks=pytest.mark.slow),
        ("leaky_relu", "default", 0.4083),
        ("gelu", "he", 1.0958),
        pytest.param("silu", "xavier", 0.5, marks=pytest.mark.slow),
    ],
)
def test_plain_factor(activation, init, expected):
    found = measured_factor(activation=activation, inits=[init])
    assert found == pytest.approx(expected, rel=0.02)
    assert theory.plain_factor(activation, init, DEPTH, WIDTH) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize("init", ["he", "xavier"])
def test_batch_norm_explodes_by_1_2112_per_layer_whatever_the_init(init):
    found = measured_factor(norms=["bn"], inits=[init])
    assert found == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=0.02)


@pytest.mark.parametrize(("activation", "expected"), [("relu", 1.0), ("tanh", 1.0853)])
def test_layer_norm_keeps_relu_nets_level(activation, expected):
    found = measured_factor(norms=["ln"], activation=activation)
    assert found == pytest.approx(expected, rel=0.02)
    assert theory.layer_norm_factor(activation) == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(("activation", "expected"), [("relu", 1.0377), ("tanh", 1.1262)])
def test_group_norm_adds_what_a_linear_batch_norm_has_of_a_group(activation, expected):
    found = measured_factor(norms=["gn"], activation=activation)
    assert found == pytest.approx(expected, rel=0.02)
    net = gradflow.Setting("mlp", DEPTH, "none", "gn", "he", activation, WIDTH)
    assert net.theory(128) == pytest.approx(expected, rel=0.0005)


@pytest.mark.parametrize("batch", [8, 16, 128])
def test_linear_batch_norm_factor_depends_on_the_batch(batch):
    found = measured_factor(norms=["bn"], activation="identity", batch_size=batch)
    assert found == pytest.approx(math.sqrt((batch - 2) / (batch - 3)), rel=0.02)


@pytest.mark.parametrize("norm_name", ["none", "bn"])
def test_no_prediction_for_weights_that_are_not_random(norm_name):
    nets = gradflow.grid("mlp", [8], ["none", "preact"], [norm_name], ["identity"], "relu")
    assert [net.theory(128) for net in nets] == [None, None]


def forward_squares(branch_scale, depth=40, seed=0, width=WIDTH):
    """Return E[x²] at the input of each block and ‖∂L/∂x‖ there, for random unit inputs."""
    rng = np.random.default_rng(seed)
    net = models.mlp_stack(
        depth, width, skip="preact", norm="none", init="he", branch_scale=branch_scale, seed=seed
    )
    x = rng.standard_normal((128, width)).astype(np.float32)
    with Recorder(net) as recorder:
        F.cross_entropy(net(mr.tensor(x)), rng.integers(0, 10, 128)).backward()
    stream = [layer for layer in recorder.layers if layer.stream][:-1]  # without the head
    return np.array([s.forward_rms**2 for s in stream]), np.array([s.dx_norm for s in stream])


def test_residual_without_norm_doubles_the_signal_per_block(thorough):
    ratios, factors = [], []
    for seed in range(SEEDS):
        squares, norms = forward_squares(1.0, seed=seed, width=1024 if thorough else WIDTH)
        steps = len(squares) - 1
        ratios.append((squares[-1] / squares[0]) ** (1 / steps))
        factors.append((norms[0] / norms[-1]) ** (1 / steps))
    # Wide, because log E[x²] of a net of width n drifts by about -5 L / 2n (Hanin and Nica 2018).
    assert np.mean(ratios) == pytest.approx(2.0, rel=0.02 if thorough else 0.03)
    assert np.mean(factors) == pytest.approx(math.sqrt(2), rel=0.02)


def test_branch_over_sqrt_blocks_grows_by_sqrt_e_in_total(thorough):
    depth, seeds, tolerance = (200, 2 * SEEDS, 0.02) if thorough else (60, SEEDS, 0.03)
    totals = []
    for seed in range(seeds):
        _, norms = forward_squares("1/sqrt(blocks)", depth=depth, seed=seed)
        totals.append(norms[0] / norms[-1])
    assert np.mean(totals) == pytest.approx(math.sqrt(math.e), rel=tolerance)


def test_skipinit_leaves_the_gradient_alone():
    _, norms = forward_squares("skipinit")
    assert np.allclose(norms, norms[0], rtol=1e-6)


def test_batch_norm_makes_the_gradient_inverse_to_the_weight_scale():
    rng = np.random.default_rng(0)
    x = mr.tensor(rng.standard_normal((32, 20)))
    mr.manual_seed(0)
    layer = nn.Linear(20, 16, bias=False).double()
    after = nn.BatchNorm1d(16, eps=0.0).double()
    outputs, gradients = [], []
    for scale in (1.0, 10.0):
        layer.weight.update_(layer.weight.data * scale)
        layer.zero_grad()
        y = after(layer(x))
        (y * y * y).sum().backward()
        outputs.append(y.data)
        gradients.append(layer.weight.grad)
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(gradients[1], gradients[0] / 10, rtol=1e-7, atol=1e-9)
    # and it is orthogonal to the weights: moving along W changes nothing
    w, dw = layer.weight.data, layer.weight.grad
    assert abs((w * dw).sum()) < 1e-7 * norm(w) * norm(dw)

"""Paths: the parts along single paths add up to the gradient, and their weights to 1."""

import itertools
import math

import numpy as np
import pytest

from minires import functional as F
from minires import models, nn
from minires.experiments import lesions, paths
from minires.tensor import Tensor

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((6, 8)), RNG.integers(0, 3, 6)


def net_of(skip, depth=6, **options):
    return models.mlp_stack(
        depth, 8, skip=skip, norm="bn", in_features=8, num_classes=3, seed=0, **options
    ).double()


def gradient(net, through=None):
    x = Tensor(X, requires_grad=True)
    if through is None:
        F.cross_entropy(net(x), Y).backward()
    else:
        with paths.only_path(net, through):
            F.cross_entropy(net(x), Y).backward()
    return x.grad


@pytest.mark.parametrize("skip", ["preact", "identity"])
def test_the_paths_add_up_to_the_gradient(skip):
    net = net_of(skip)
    names = list(lesions.blocks(net))
    every = [c for k in range(4) for c in itertools.combinations(names, k)]
    assert len(every) == 8
    total = sum(gradient(net, through) for through in every)
    np.testing.assert_allclose(total, gradient(net), rtol=1e-9, atol=1e-13)


def test_gradient_norm_leaves_the_net_as_it_was():
    net = net_of("preact")
    before = net.state_dict()
    of_batch = paths.gradient_norm(net, X, Y, ["body.1"])
    assert of_batch == pytest.approx(np.linalg.norm(gradient(net_of("preact"), ["body.1"])))
    net.eval()
    assert paths.gradient_norm(net, X, Y, ["body.1"]) != pytest.approx(of_batch)
    assert not net.training
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value, before[key])
    assert all(p.requires_grad and p.grad is None for p in net.parameters())


def test_weights():
    found = paths.weigh(54, {k: [0.3**k] for k in (0, 5, 10, 20)})
    assert found.factor == pytest.approx(0.3)
    assert found.share.sum() == pytest.approx(1)
    # C(n, k) f^k is binomial with p = f / (1 + f)
    p = 0.3 / 1.3
    assert found.mean == pytest.approx(54 * p)
    assert found.binomial_mean == 27
    assert found.low < found.mean < found.high
    share = [math.comb(54, k) * p**k * (1 - p) ** (54 - k) for k in range(55)]
    np.testing.assert_allclose(found.share, share)
    equal = paths.weigh(54, {0: [1.0], 54: [1.0]})
    assert equal.mean == pytest.approx(27)


def test_counts():
    assert paths.counts(4) == [1, 4, 6, 4, 1]


def test_effective():
    net = net_of("preact", 12)
    found = paths.effective(net, X, Y, draws=2)
    assert found.blocks == 6
    assert found.mean < found.binomial_mean
    assert found == paths.effective(net, X, Y, draws=2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: paths.effective(net_of("none"), X, Y), "no residual block"),
        (lambda: paths.gradient_norm(net_of("preact"), X, Y, ["head"]), "no residual block of"),
        (lambda: paths.by_length(net_of("preact"), X, Y, [4]), "cannot take 4"),
        (lambda: paths.weigh(3, {0: [1.0], 1: [math.nan]}), "at least two"),
        (lambda: paths.effective(nn.Linear(8, 3), X, Y), "Linear has no residual"),
    ],
)
def test_refusals(call, said):
    with pytest.raises(ValueError, match=said):
        call()

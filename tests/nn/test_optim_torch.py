"""Optimisers and schedules against PyTorch: the same steps for every combination of options."""

import itertools

import numpy as np
import pytest

from minires import optim
from minires.nn import Parameter

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def run(ours_class, theirs_class, options, schedule=None):
    rng = np.random.default_rng(0)
    start = rng.standard_normal((4, 3))
    p, q = Parameter(start.copy()), torch.nn.Parameter(torch.tensor(start))
    ours, theirs = ours_class([p], **options), theirs_class([q], **options)
    pair = schedule(ours, theirs) if schedule else None
    for _ in range(20):
        g = rng.standard_normal((4, 3))
        p.grad, q.grad = g.copy(), torch.tensor(g)
        ours.step()
        theirs.step()
        if pair:
            pair[0].step()
            pair[1].step()
            assert pair[0].get_last_lr()[0] == pytest.approx(pair[1].get_last_lr()[0], rel=1e-12)
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("momentum", "dampening", "weight_decay", "nesterov"),
    [
        c
        for c in itertools.product((0.0, 0.9), (0.0, 0.3), (0.0, 0.01), (False, True))
        if not c[3] or (c[0] > 0 and c[1] == 0)
    ],
)
def test_sgd(momentum, dampening, weight_decay, nesterov):
    options = {"lr": 0.1, "momentum": momentum, "dampening": dampening}
    options |= {"weight_decay": weight_decay, "nesterov": nesterov}
    run(optim.SGD, torch.optim.SGD, options)


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)])
def test_adam(betas, weight_decay):
    run(optim.Adam, torch.optim.Adam, {"lr": 0.1, "betas": betas, "weight_decay": weight_decay})


S, T = optim.lr_scheduler, torch.optim.lr_scheduler


@pytest.mark.parametrize(
    "schedule",
    [
        lambda a, b: (S.MultiStepLR(a, [3, 7, 7]), T.MultiStepLR(b, [3, 7, 7])),
        lambda a, b: (S.LinearWarmup(a, 5, 0.1), T.LinearLR(b, 0.1, 1.0, 5)),
        lambda a, b: (S.CosineAnnealingLR(a, 30, 0.01), T.CosineAnnealingLR(b, 30, 0.01)),
    ],
    ids=["multi-step", "warm-up", "cosine"],
)
@pytest.mark.filterwarnings("ignore")
def test_schedules(schedule):
    run(optim.SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, schedule)

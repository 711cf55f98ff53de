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


@pytest.mark.parametrize("weight_decay", [0.0, 0.01, 0.3])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.9), (0.0, 0.0)])
def test_adamw(betas, weight_decay):
    run(optim.AdamW, torch.optim.AdamW, {"lr": 0.1, "betas": betas, "weight_decay": weight_decay})


def test_defaults():
    p, q = Parameter(np.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    for name in ("SGD", "Adam", "AdamW"):
        (ours,) = getattr(optim, name)([p]).param_groups
        (theirs,) = getattr(torch.optim, name)([q]).param_groups
        assert {k: theirs[k] for k in ours if k != "params"} == {
            k: v for k, v in ours.items() if k != "params"
        }


def test_groups_with_options_of_their_own():
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(3), rng.standard_normal((2, 2)), rng.standard_normal(1)]
    ps, qs = [Parameter(a.copy()) for a in starts], [torch.tensor(a) for a in starts]
    both = []
    for make, (a, b, c) in ((optim.SGD, ps), (torch.optim.SGD, qs)):
        optimizer = make(
            [{"params": [a], "lr": 0.3}, {"params": b, "weight_decay": 0.1}], lr=0.1, momentum=0.9
        )
        optimizer.add_param_group({"params": c, "momentum": 0.5, "nesterov": True})
        both.append(optimizer)
    for _ in range(5):
        for p, q in zip(ps, qs, strict=True):
            g = rng.standard_normal(p.shape)
            p.grad, q.grad = g.copy(), torch.tensor(g)
        for optimizer in both:
            optimizer.step()
    for p, q in zip(ps, qs, strict=True):
        np.testing.assert_allclose(p.data, q.numpy(), rtol=1e-12)


S, T = optim.lr_scheduler, torch.optim.lr_scheduler


@pytest.mark.parametrize(
    "schedule",
    [
        lambda a, b: (S.MultiStepLR(a, [3, 7, 7]), T.MultiStepLR(b, [3, 7, 7])),
        lambda a, b: (S.LinearWarmup(a, 5, 0.1), T.LinearLR(b, 0.1, 1.0, 5)),
        lambda a, b: (S.CosineAnnealingLR(a, 30, 0.01), T.CosineAnnealingLR(b, 30, 0.01)),
        lambda a, b: (S.LinearLR(a), T.LinearLR(b)),
        lambda a, b: (S.LinearLR(a, 1.0, 0.0, 12), T.LinearLR(b, 1.0, 0.0, 12)),
        lambda a, b: (S.PolynomialLR(a), T.PolynomialLR(b)),
        lambda a, b: (S.PolynomialLR(a, 18, 1.7), T.PolynomialLR(b, 18, 1.7)),
    ],
    ids=["multi-step", "warm-up", "cosine", "linear", "to zero", "polynomial", "power"],
)
@pytest.mark.filterwarnings("ignore")
def test_schedules(schedule):
    run(optim.SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, schedule)


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@pytest.mark.parametrize(
    "options",
    [
        {"total_steps": 40},
        {"epochs": 7, "steps_per_epoch": 9, "anneal_strategy": "linear", "pct_start": 0.2},
        {"total_steps": 50, "three_phase": True, "div_factor": 10, "final_div_factor": 3},
        {"total_steps": 30, "three_phase": True, "anneal_strategy": "linear", "pct_start": 0.45},
        {"total_steps": 21, "cycle_momentum": False},
        {"total_steps": 10, "pct_start": 0.0},
        {"total_steps": 3, "base_momentum": 0.5, "max_momentum": 0.7},
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_one_cycle(kind, options):
    def group(g):
        return g["lr"], g["betas"][0] if kind == "AdamW" else g["momentum"]

    more = {"momentum": 0.9} if kind == "SGD" else {}
    ours = getattr(optim, kind)([Parameter(np.zeros(1))], lr=1.0, **more)
    theirs = getattr(torch.optim, kind)([torch.nn.Parameter(torch.zeros(1))], lr=1.0, **more)
    a, b = S.OneCycleLR(ours, 0.4, **options), T.OneCycleLR(theirs, 0.4, **options)
    assert a.total_steps == b.total_steps
    for _ in range(a.total_steps):  # the value after the last step is never used for one
        assert group(ours.param_groups[0]) == pytest.approx(
            group(theirs.param_groups[0]), rel=1e-10
        )
        a.step()
        b.step()

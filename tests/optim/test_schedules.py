"""Schedules: they resume to the bit, end where they say, and refuse what cannot be meant."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires import nn, optim
from minires.optim.lr_scheduler import (
    CosineAnnealingLR,
    LinearLR,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    SequentialLR,
)

SCHEDULES = {
    "multi-step": lambda o: MultiStepLR(o, [3, 7]),
    "warm-up": lambda o: LinearWarmup(o, 5),
    "linear": lambda o: LinearLR(o, 1.0, 0.0, 13),
    "polynomial": lambda o: PolynomialLR(o, 13, 1.3),
    "cosine": lambda o: CosineAnnealingLR(o, 13, 0.001),
    "one cycle": lambda o: OneCycleLR(o, 0.7, 13),
    "sequence": lambda o: SequentialLR(o, [LinearWarmup(o, 4), MultiStepLR(o, [2])], [4]),
}
OPTIMIZERS = {
    "sgd": lambda ps: optim.SGD(ps, lr=0.3, momentum=0.9, nesterov=True),
    "adamw": lambda ps: optim.AdamW(ps, lr=0.3),
}


def sgd(lr=0.1, **options):
    return optim.SGD([nn.Parameter(np.zeros(2))], lr=lr, **options)


def advance(optimizer, schedule, steps):
    """Take steps on a quadratic bowl; return (parameters, rates) after each."""
    seen = []
    for _ in range(steps):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = p.data * np.arange(1, p.size + 1)
        optimizer.step()
        schedule.step()
        params = [p.data.copy() for g in optimizer.param_groups for p in g["params"]]
        seen.append((params, schedule.get_last_lr()))
    return seen


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_run_resumes_to_the_bit(kind, schedule):
    start = np.random.default_rng(0).standard_normal(3)

    def build():
        p = nn.Parameter(start.copy())
        optimizer = OPTIMIZERS[kind]([p])
        return p, optimizer, SCHEDULES[schedule](optimizer)

    _, optimizer, whole = build()
    expected = advance(optimizer, whole, 13)
    for stop in (1, 5, 12):
        p, optimizer, first = build()
        advance(optimizer, first, stop)
        rates = json.loads(json.dumps(first.state_dict()))
        state = optimizer.state_dict()
        q, optimizer, second = build()
        q.update_(p.data)
        optimizer.load_state_dict(state)
        second.load_state_dict(rates)
        for (ours, lr), (want, rate) in zip(
            advance(optimizer, second, 13 - stop), expected[stop:], strict=True
        ):
            assert np.array_equal(ours, want)
            assert lr == rate


@given(n=st.integers(1, 50), extra=st.integers(0, 5))
def test_linear_to_zero_ends_at_zero_and_stays(n, extra):
    for make in (lambda o: LinearLR(o, 1.0, 0.0, n), lambda o: PolynomialLR(o, n)):
        schedule = make(sgd(0.4))
        rates = schedule.get_last_lr()
        for _ in range(n + extra):
            schedule.step()
            rates += schedule.get_last_lr()
        assert rates[0] == 0.4
        assert all(r == 0 for r in rates[n:])
        np.testing.assert_allclose(np.diff(rates[: n + 1]), -0.4 / n, rtol=1e-9)


@given(
    n=st.integers(1, 60),
    share=st.floats(0, 1),
    three=st.booleans(),
    way=st.sampled_from(["cos", "linear"]),
)
def test_one_cycle_stays_within_its_limits(n, share, three, way):
    optimizer = sgd(momentum=0.9)
    schedule = OneCycleLR(
        optimizer, 0.5, n, pct_start=share, three_phase=three, anneal_strategy=way
    )
    for _ in range(n):
        (group,) = optimizer.param_groups
        assert 0.5 / 25 / 1e4 * (1 - 1e-12) <= group["lr"] <= 0.5 * (1 + 1e-12)
        assert 0.85 - 1e-12 <= group["momentum"] <= 0.95 + 1e-12
        schedule.step()
    with pytest.raises(ValueError, match=f"step {n + 1} of a cycle of {n}"):
        schedule.step()


def test_one_cycle_ends_at_its_last_value():
    optimizer = sgd(momentum=0.9)
    schedule = OneCycleLR(optimizer, [2.0], 10, final_div_factor=100)
    for _ in range(10):
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(2 / 25 / 100)
    assert optimizer.param_groups[0]["momentum"] == 0.95


def test_a_group_added_later_has_a_rate_of_its_own():
    optimizer = sgd(0.4)
    schedule = LinearLR(optimizer, 1.0, 0.0, 4)
    schedule.step()
    optimizer.add_param_group({"params": [nn.Parameter(np.zeros(1))], "lr": 1.0})
    schedule.step()
    assert schedule.get_last_lr() == pytest.approx([0.2, 0.5])
    assert len(schedule.state_dict()["base_lrs"]) == 2


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda o: LinearLR(o, 0.0), ValueError, "start_factor"),
        (lambda o: LinearLR(o, 1.0, 1.5), ValueError, "end_factor"),
        (lambda o: LinearLR(o, total_iters=0), ValueError, "total_iters: expected at least 1"),
        (lambda o: LinearLR(o, "1"), TypeError, "start_factor: expected a number"),
        (lambda o: PolynomialLR(o, 1.5), TypeError, "total_iters: expected an integer"),
        (lambda o: PolynomialLR(o, 5, float("nan")), ValueError, "power"),
        (lambda o: MultiStepLR(o, ["3"]), TypeError, "milestones: expected an integer"),
        (lambda o: MultiStepLR(o, [3], float("nan")), ValueError, "gamma"),
        (lambda o: CosineAnnealingLR(o, 0), ValueError, "t_max: expected at least 1"),
        (lambda o: CosineAnnealingLR(o, 9, "x"), TypeError, "eta_min"),
        (lambda o: OneCycleLR(o, 0.1), ValueError, "give total_steps, or epochs"),
        (lambda o: OneCycleLR(o, 0.1, 0), ValueError, "total_steps: expected at least 1"),
        (lambda o: OneCycleLR(o, [0.1, 0.2], 9), ValueError, "expected 1 rates"),
        (lambda o: OneCycleLR(o, -0.1, 9), ValueError, "max_lr"),
        (lambda o: OneCycleLR(o, 0.1, 9, pct_start=2), ValueError, "pct_start"),
        (lambda o: OneCycleLR(o, 0.1, 9, anneal_strategy="x"), ValueError, "'cos' or 'linear'"),
        (lambda o: OneCycleLR(o, 0.1, 9, div_factor=0), ValueError, "div_factor"),
        (lambda o: OneCycleLR(o, 0.1, 9, max_momentum=1.0), ValueError, "max_momentum"),
        (lambda o: OneCycleLR(o, 0.1, 9, three_phase=1), TypeError, "three_phase"),
        (lambda o: SequentialLR(o, [OneCycleLR(o, 1.0, 9)], []), ValueError, "use it alone"),
    ],
)
def test_what_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build(sgd(momentum=0.9))


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"t": "3", "base_lrs": [0.1]}, TypeError, "t: expected an integer"),
        ({"t": -1, "base_lrs": [0.1]}, ValueError, "t: expected at least 0"),
        ({"t": 1, "base_lrs": [float("nan")]}, ValueError, "base_lrs"),
        ({"t": 1, "base_lrs": "1"}, TypeError, "base_lrs: expected a list"),
    ],
)
def test_a_broken_state_is_refused_and_changes_nothing(state, error, message):
    schedule = MultiStepLR(sgd(), [1, 5])
    with pytest.raises(error, match=message):
        schedule.load_state_dict(state)
    assert schedule.state_dict() == {"t": 0, "base_lrs": [0.1]}

"""Clipping of gradients: PyTorch's formula, norms in float64, what does not fit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import minires as mr
from minires import nn


def with_gradients(*gradients):
    params = []
    for g in gradients:
        p = nn.Parameter(np.zeros(np.shape(g), np.asarray(g).dtype))
        p.grad = None if g is None else np.array(g)
        params.append(p)
    return params


gradient = st.sampled_from([np.float32, np.float64]).flatmap(
    lambda dtype: arrays(
        dtype, array_shapes(min_dims=0), elements=st.floats(-1e3, 1e3, width=32).map(np.float32)
    )
)


@given(st.lists(gradient, min_size=1, max_size=4), st.sampled_from([1.0, 2.0, 3.5, math.inf]))
def test_the_norm_and_the_scaling_are_the_definitions(gradients, p):
    together = np.concatenate([g.ravel().astype(np.float64) for g in gradients])
    expected = np.linalg.norm(together, p)
    params = with_gradients(*gradients)
    found = nn.utils.clip_grad_norm_(iter(params), 1.0, norm_type=p)
    assert isinstance(found, float)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)
    factor = min(1.0, 1.0 / (expected + 1e-6))
    for param, g in zip(params, gradients, strict=True):
        assert param.grad.dtype == g.dtype
        np.testing.assert_allclose(param.grad, g * factor, rtol=1e-6, atol=1e-40)
    if factor == 1:
        assert all(np.array_equal(a.grad, g) for a, g in zip(params, gradients, strict=True))


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_no_square_under_or_overflows(size):
    (p,) = with_gradients(np.full(4, size, np.float32))
    assert nn.clip_grad_norm_(p, math.inf) == pytest.approx(2 * size, rel=1e-6)
    (p,) = with_gradients(np.full(4, size**9))
    assert nn.clip_grad_norm_([p], 1.0) == pytest.approx(2 * size**9)


def test_gradients_are_scaled_in_place_and_once():
    shared = np.full(4, 3.0)
    a, b, none = with_gradients(shared, shared, np.zeros(2))
    a.grad = b.grad = shared
    none.grad = None
    assert nn.clip_grad_norm_([a, a, b, none], 3.0) == 6.0
    np.testing.assert_allclose(shared, 1.5, rtol=1e-6)
    assert a.grad is b.grad is shared
    assert none.grad is None
    a.grad = np.broadcast_to(np.float64(3.0), 4)
    nn.clip_grad_norm_(a, 3.0)
    np.testing.assert_allclose(a.grad, 1.5, rtol=1e-6)
    assert nn.clip_grad_norm_([none], 1.0) == 0.0
    assert nn.clip_grad_norm_([], 1.0) == 0.0
    (empty,) = with_gradients(np.zeros((0, 3)))
    assert nn.clip_grad_norm_(empty, 1.0) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_norms_that_are_not_finite(bad, p):
    gradients = [np.array([1.0, 2.0]), np.array([bad]), np.array([3.0])]
    params = with_gradients(*gradients)
    with pytest.raises(RuntimeError, match="cannot be scaled"):
        nn.clip_grad_norm_(params, 1.0, p, error_if_nonfinite=True)
    assert all(np.array_equal(q.grad, g, True) for q, g in zip(params, gradients, strict=True))
    total = nn.clip_grad_norm_(params, 1.0, p)
    assert math.isnan(total) if math.isnan(bad) else total == math.inf
    assert math.isnan(params[1].grad[0])
    rest = [params[0].grad, params[2].grad]
    assert all(np.isnan(g).all() if math.isnan(bad) else not g.any() for g in rest)


def test_values_are_limited():
    p, none = with_gradients(np.array([-3.0, 0.5, np.nan, np.inf], np.float32), np.zeros(1))
    none.grad = None
    before = p.grad
    nn.utils.clip_grad_value_([p, none], 1)
    np.testing.assert_array_equal(before, np.array([-1, 0.5, np.nan, 1], np.float32))
    assert p.grad.dtype == np.float32


def test_what_is_refused():
    net = nn.Sequential(nn.Linear(2, 2))
    net(mr.tensor([[1.0, 2.0]])).sum().backward()
    for clip in (nn.clip_grad_norm_, nn.clip_grad_value_):
        with pytest.raises(TypeError, match=r"pass its \.parameters\(\)"):
            clip(net, 1.0)
        with pytest.raises(TypeError, match="got ndarray"):
            clip([p.grad for p in net.parameters()], 1.0)
        with pytest.raises(TypeError, match="expected a number, got '1'"):
            clip(net.parameters(), "1")
        for wrong in (-1.0, math.nan):
            with pytest.raises(ValueError, match="at least 0"):
                clip(net.parameters(), wrong)
    with pytest.raises(ValueError, match="norm_type"):
        nn.clip_grad_norm_(net.parameters(), 1.0, norm_type=0)

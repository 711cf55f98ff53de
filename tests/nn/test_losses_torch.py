"""Losses with their options against PyTorch: values and gradients in both precisions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minires.functional as F
from minires import Tensor, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


@given(
    n=st.integers(1, 12),
    c=st.integers(1, 9),
    smoothing=st.sampled_from([0.0, 0.1, 0.7, 1.0]),
    ignored=st.sampled_from([-100, 0, 2]),
    reduction=st.sampled_from(["mean", "sum", "none"]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 9),
)
def test_cross_entropy(n, c, smoothing, ignored, reduction, dtype, seed):
    rng = np.random.default_rng(seed)
    logits = (3 * rng.standard_normal((n, c))).astype(dtype)
    target = rng.integers(0, c, n)
    if seed % 2:
        target[rng.integers(0, n)] = ignored
    options = {"label_smoothing": smoothing, "ignore_index": ignored, "reduction": reduction}
    if reduction == "mean" and (target == ignored).all():
        with pytest.raises(ValueError, match="a mean of nothing"):
            F.cross_entropy(Tensor(logits), target, **options)
        return
    x, z = Tensor(logits, requires_grad=True), torch.tensor(logits, requires_grad=True)
    ours = nn.CrossEntropyLoss(**options)(x, target)
    theirs = torch.nn.CrossEntropyLoss(**options)(z, torch.tensor(target))
    dy = np.asarray(rng.standard_normal(ours.shape)).astype(dtype)
    ours.backward(dy)
    theirs.backward(torch.tensor(dy))
    rtol, atol = (1e-5, 2e-6) if dtype == "float32" else (1e-12, 1e-13)
    np.testing.assert_allclose(ours.data, theirs.detach().numpy(), rtol=rtol, atol=atol)
    np.testing.assert_allclose(x.grad, z.grad.numpy(), rtol=rtol, atol=atol)
    assert ours.dtype == x.grad.dtype == dtype

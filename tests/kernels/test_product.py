"""The reference's matrix products where NumPy has no BLAS, as in a browser."""

import numpy as np
import pytest

from minires_kernels import kernel
from minires_kernels.reference import conv2d, linear
from minires_kernels.reference.product import loops


@pytest.mark.parametrize("module", [linear, conv2d], ids=["linear", "conv2d"])
def test_without_a_blas_the_results_are_the_same(module, monkeypatch):
    k, rng = kernel(module.SPEC.name, "reference"), np.random.default_rng(0)
    for case in k.spec.cases(rng):
        found = []
        for product in (np.matmul, loops):
            monkeypatch.setattr(module, "product", product)
            y, *saved = k.forward(*case.arrays, **case.options)
            found.append((y, *k.backward(np.cos(y), *saved)))
        for left, right in zip(*found, strict=True):
            assert (left is None) == (right is None)
            if left is not None:
                np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)

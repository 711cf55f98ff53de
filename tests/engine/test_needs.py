"""An operation of two tensors gives each its gradient, whichever of them requires one."""

import numpy as np
import pytest

import minires
from minires import ops

MASK = np.array([[True, False, True], [False, True, True]])
PAIRS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "matmul": lambda a, b: a @ b.T,
    "where": lambda a, b: ops.where(MASK, a, b),
    "concat": lambda a, b: ops.concat([a, b]),
}


@pytest.mark.parametrize("name", PAIRS)
def test_each_gradient_alone_is_the_one_beside_the_other(name):
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(0.5, 2, (2, 3)) for _ in range(2)]
    found = {}
    for needs in ((True, True), (True, False), (False, True)):
        leaves = [minires.Tensor(a, requires_grad=r) for a, r in zip(arrays, needs)]
        y = PAIRS[name](*leaves)
        y.backward(np.random.default_rng(1).standard_normal(y.shape))
        found[needs] = [t.grad for t in leaves]
    assert found[True, False][1] is None
    assert found[False, True][0] is None
    assert np.array_equal(found[True, False][0], found[True, True][0])
    assert np.array_equal(found[False, True][1], found[True, True][1])

"""Every differentiable operation against finite differences, on a few small arrays each."""

import numpy as np
import pytest

import minires
from minires import functional as F
from minires import ops
from minires.gradcheck import gradcheck

MASK = np.array([[True, False, True], [False, True, True]])
ROWS = np.array([0, 1, 1])
SHAPE = (2, 3)
ONE = {
    "neg": lambda x: -x,
    "exp": lambda x: x.exp(),
    "log": lambda x: (x * x + 0.5).log(),
    "sqrt": lambda x: (x * x + 0.5).sqrt(),
    "abs": lambda x: abs(x),
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(),
    "clip": lambda x: ops.clip(x, -1.25, 1.15),
    "square": lambda x: x**2,
    "cube": lambda x: x**3,
    "to the 0": lambda x: x**0 + x,
    "of a base": lambda x: 3.0**x,
    "sum": lambda x: x.sum(),
    "sum of rows": lambda x: x.sum(1),
    "sum kept": lambda x: x.sum(0, keepdim=True),
    "mean": lambda x: x.mean(0),
    "max": lambda x: x.max(1),
    "min": lambda x: x.min(0),
    "reshape": lambda x: x.reshape(3, 2),
    "transposed": lambda x: x.T,
    "item": lambda x: x[1],
    "items twice": lambda x: x[ROWS],
    "pairs of items": lambda x: x[ROWS, np.array([0, 2, 2])],
    "a slice": lambda x: x[:, ::2],
    "masked": lambda x: x[MASK],
    "pad": lambda x: F.pad(x.reshape(2, 3, 1, 1), (1, 2, 0, 1)),
    "average": lambda x: F.avg_pool2d(x.reshape(1, 1, 2, 3), (2, 1)),
    "cast": lambda x: x.astype(np.float64),
    "leaky ReLU": lambda x: F.leaky_relu(x, 0.2),
    "resized": lambda x: F.interpolate(x.reshape(1, 1, 2, 3), (4, 5), mode="bilinear"),
    "nearest": lambda x: F.interpolate(x.reshape(1, 1, 2, 3), (4, 4)),
}
TWO = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / (b * b + 1),
    "matmul": lambda a, b: a @ b.reshape(3, -1),
    "where": lambda a, b: ops.where(MASK, a, b),
    "concat": lambda a, b: ops.concat([a, b]),
}
PRODUCTS = [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((2, 2, 3), (3, 1)),
            ((2, 3), (4, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,))]  # fmt: skip


def draw(*shapes):
    rng = np.random.default_rng(7)
    return [rng.uniform(0.2, 2, s) * rng.choice([-1, 1], s) for s in shapes]


@pytest.mark.parametrize("name", ONE)
def test_of_one_tensor(name):
    report = gradcheck(ONE[name], *draw(SHAPE))
    assert report.ok, report


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("other", [(2, 3), (3,), (1, 3)])
def test_of_two_tensors(name, other):
    if name == "concat" and other != SHAPE:
        return
    report = gradcheck(TWO[name], *draw(SHAPE, other))
    assert report.ok, report


@pytest.mark.parametrize(("left", "right"), PRODUCTS)
def test_of_products(left, right):
    report = gradcheck(lambda a, b: a @ b, *draw(left, right))
    assert report.ok, report


def test_of_a_transposed_convolution():
    def f(x, w, b):
        return F.conv_transpose2d(x, w, b, stride=2, padding=1)

    with minires.use_backend("reference"):
        report = gradcheck(f, *draw((2, 2, 3, 2), (2, 3, 3, 3), (3,)))
    assert report.ok, report


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_casts_give_gradients_of_the_type_of_their_input(dtype):
    x = minires.Tensor(np.ones(3, dtype), requires_grad=True)
    x.astype(np.float64).backward(np.array([1.0, -2.0, 3.0]))
    assert x.grad.dtype == dtype
    assert np.array_equal(x.grad, [1, -2, 3])

"""Functions and arrays of PyTorch, JAX and autograd, where these are installed."""

import subprocess
import sys

import numpy as np
import pytest

from minires import gradcheck
from minires.gradcheck import check_backward

RNG = np.random.default_rng(9)
X, W = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2))


def rows(report):
    assert report.error is None, report.error
    assert not report.hygiene, report.hygiene
    return {r.tensor: r.verdict for r in report.rows}


def test_none_of_them_is_imported_by_a_check():
    code = """
import sys, numpy as np
from minires import gradcheck
from minires.gradcheck import check_backward
assert check_backward(lambda x: x * x, lambda dy, x: 2 * x * dy, np.arange(1.0, 4))
assert gradcheck(lambda x: x * x, np.arange(1.0, 4))
print([m for m in ("torch", "jax", "autograd", "pytest", "matplotlib") if m in sys.modules])
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert run.stdout.strip() == "[]"


# ---- PyTorch ------------------------------------------------------------------------------------
def test_functions_of_torch():
    torch = pytest.importorskip("torch")
    x = torch.tensor(X, dtype=torch.float32, requires_grad=True)
    report = gradcheck(torch.sin, x)
    assert list(rows(report).values()) == ["PASS"]
    assert "was cast from float32" in str(report)
    assert x.grad is None
    assert list(rows(gradcheck(torch.sin, X)).values()) == ["PASS"]
    found = rows(gradcheck(lambda x, w: (torch.tanh(x @ w), x.sum()), X, W))
    assert found == {"x": "PASS", "w": "PASS"}
    with torch.no_grad():
        assert gradcheck(torch.exp, X)
    labels = np.array([0, 2, 1, 2])
    assert rows(gradcheck(torch.nn.functional.cross_entropy, X, labels)) == {"input": "PASS"}


def test_modules_of_torch():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.3), torch.nn.Tanh())
    for report in (gradcheck(net, X), check_backward(net, X)):
        assert rows(report) == {"input": "PASS", "0.weight": "PASS", "0.bias": "PASS"}
    assert net[0].weight.dtype == torch.float32
    assert net[0].weight.grad is None


def test_autograd_functions_of_torch():
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, dy):
            (x,) = ctx.saved_tensors
            return 3 * x * dy

    def right(ctx, dy):
        (x,) = ctx.saved_tensors
        return 2 * x * dy

    for report in (gradcheck(Square, X), gradcheck(Square.apply, torch.tensor(X))):
        assert rows(report) == {"x": "FAIL"}
    pair = report.subject.pair
    assert pair.backward is Square.backward
    np.testing.assert_allclose(pair.gradients(right, X, [X])[0], 2 * X * X)


def test_a_pair_that_wraps_torch_or_works_on_its_tensors():
    torch = pytest.importorskip("torch")

    def forward(x):
        return torch.tanh(torch.tensor(x)).numpy()

    def backward(dy, x):
        t = torch.from_numpy(x).requires_grad_()
        return torch.autograd.grad(torch.tanh(t), t, torch.from_numpy(dy))[0].numpy()

    assert rows(check_backward(forward, backward, X)) == {"x": "PASS"}

    def of_tensors(factor):
        return lambda dy, x, w: (dy @ w.T, factor * x.T @ dy)

    x, w = torch.tensor(X), torch.tensor(W)
    assert rows(check_backward(lambda x, w: x @ w, of_tensors(1), x, w)) == {
        "x": "PASS",
        "w": "PASS",
    }
    assert rows(check_backward(lambda x, w: x @ w, of_tensors(2), x, w)) == {
        "x": "PASS",
        "w": "FAIL",
    }


# ---- JAX ----------------------------------------------------------------------------------------
def test_functions_of_jax():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    assert rows(gradcheck(jnp.sin, X)) == {"x": "PASS"}
    parameters = {"W": W, "b": np.ones(2)}
    found = rows(gradcheck(lambda p, x: jnp.tanh(x @ p["W"] + p["b"]), parameters, jnp.asarray(X)))
    assert found == {"p['W']": "PASS", "p['b']": "PASS", "x": "PASS"}

    @jax.custom_vjp
    def wrong(x):
        return jnp.sin(x)

    wrong.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (1.1 * g * jnp.cos(x),))
    assert rows(gradcheck(wrong, X)) == {"x": "FAIL"}
    pair = (lambda x, w: x @ w, lambda dy, x, w: (dy @ w.T, x.T @ dy))
    assert check_backward(*pair, jnp.asarray(X), jnp.asarray(W))
    assert jnp.asarray(X).dtype == np.float32, "x64 is as it was"


# ---- autograd -----------------------------------------------------------------------------------
def test_functions_of_autograd():
    anp = pytest.importorskip("autograd.numpy")
    from autograd.extend import defvjp, primitive

    found = rows(gradcheck(lambda x, w: (anp.tanh(anp.dot(x, w)), anp.sum(x)), X, W))
    assert found == {"x": "PASS", "w": "PASS"}

    @primitive
    def cube(x):
        return x**3

    defvjp(cube, lambda ans, x: lambda g: g * 2 * x**2)
    assert list(rows(gradcheck(cube, X)).values()) == ["FAIL"]

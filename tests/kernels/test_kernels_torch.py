"""Normalisation, pooling and cross-entropy against PyTorch, forward and backward."""

import numpy as np
import pytest

from minires_kernels import kernel

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import torch.nn.functional as tf  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.parametrize("backend", ["reference", "cpu"])]
TOLERANCE = {np.float64: 1e-10, np.float32: 1e-5}
CONFIGURATIONS = 200  # drawn for each test, backend and dtype


@pytest.fixture(autouse=True, scope="module")
def _one_torch_thread():
    """On arrays this small, PyTorch's threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=[np.float64, np.float32], ids=["float64", "float32"])
def dtype(request):
    return request.param


def peer(a):
    """Return a as a tensor of its own that wants a gradient (if it holds floats)."""
    t = torch.tensor(np.ascontiguousarray(a))
    return t.requires_grad_() if t.is_floating_point() else t


def assert_close(got, tensor, dtype, what):
    expected = tensor.detach().numpy()
    assert got.shape == expected.shape, what
    assert got.dtype == dtype, what
    if expected.size:
        error = np.abs(got - expected).max() / max(np.abs(expected).max(), np.finfo(dtype).tiny)
        assert error <= TOLERANCE[dtype], f"{what}: relative error {error:.3g}"


def compare(name, backend, dtype, arrays, options, function, what):
    """Run both on the same arrays and upstream gradient, and compare all that comes out."""
    k = kernel(name, backend)
    y, *saved = k.forward(*arrays, **options)
    inputs = [None if a is None else peer(a) for a in arrays]
    expected = function(*inputs)
    assert_close(y, expected, dtype, f"y, {what}")
    dy = np.random.default_rng(y.size).standard_normal(y.shape).astype(dtype)
    expected.backward(torch.tensor(dy))
    gradients = k.backward(dy, *saved)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for label, g, t in zip(k.spec.gradients, gradients, inputs, strict=False):
        if t is not None:
            assert_close(g, t.grad, dtype, f"{label}, {what}")


def images(rng, dtype):
    """Draw an image batch in C order or channels-last."""
    n, c = rng.integers(1, 4, 2)
    h, w = rng.integers(1, 12, 2)
    x = rng.standard_normal((n, c, h, w)).astype(dtype)
    if rng.random() < 0.5:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    return x


def test_batch_norm(backend, dtype):
    rng = np.random.default_rng(10)
    for i in range(CONFIGURATIONS):
        c = int(rng.integers(1, 40))
        shape = (int(rng.integers(8, 40)), c)
        if i % 2:
            shape = (int(rng.integers(2, 5)), c, *rng.integers(2, 9, 2))
        x = (rng.standard_normal(shape) + rng.uniform(-1, 1)).astype(dtype)
        weight, bias = rng.standard_normal((2, c)).astype(dtype)
        if i % 3 == 0:
            weight = bias = None
        mean = var = None
        training = bool(rng.random() < 0.5)
        if not training:
            mean = rng.standard_normal(c).astype(dtype)
            var = rng.uniform(0.3, 2, c).astype(dtype)
        arrays = (x, weight, bias, mean, var)
        eps = float(10 ** rng.uniform(-6, -2))

        def function(x, weight, bias, mean, var, training=training, eps=eps):
            statistics = [None if s is None else s.detach() for s in (mean, var)]
            return tf.batch_norm(x, *statistics, weight, bias, training, eps=eps)

        what = f"{shape}, {'training' if training else 'evaluation'}, eps {eps:.2g}"
        compare("batch_norm", backend, dtype, arrays, {"eps": eps}, function, what)


def pool_options(rng, x, dilated):
    """Draw kernel size, stride, padding (and dilation) of windows that fit into x."""
    while True:
        size = rng.integers(1, 5, 2)
        options = {
            "kernel_size": size,
            "stride": rng.integers(1, 5, 2),
            "padding": rng.integers(0, size // 2 + 1),
        }
        dilation = rng.integers(1, 4, 2) if dilated and rng.random() < 0.5 else np.ones(2, int)
        reach = dilation * (size - 1) + 1
        room = np.array(x.shape[2:])
        if (dilation == 1).all():  # else a window might hold only padding, which we refuse
            room = room + 2 * options["padding"]
        if (reach <= room).all():
            options = {name: tuple(map(int, value)) for name, value in options.items()}
            if dilated:
                options["dilation"] = tuple(map(int, dilation))
            if rng.random() < 0.2:
                del options["stride"]
            return options | {"ceil_mode": bool(rng.random() < 0.5)}


def test_max_pool2d(backend, dtype):
    rng = np.random.default_rng(11)
    for i in range(CONFIGURATIONS):
        x = images(rng, dtype)
        if i % 3 == 0:
            x = np.round(x)  # ties
        options = pool_options(rng, x, dilated=True)
        _, index, *_ = kernel("max_pool2d", backend).forward(x, **options)
        what = f"{x.shape}, {options}"
        _, expected = tf.max_pool2d(torch.tensor(x), **options, return_indices=True)
        np.testing.assert_array_equal(index, expected.numpy(), what)
        compare(
            "max_pool2d",
            backend,
            dtype,
            (x,),
            options,
            lambda t, options=options: tf.max_pool2d(t, **options),
            what,
        )


def test_avg_pool2d(backend, dtype):
    rng = np.random.default_rng(12)
    for _ in range(CONFIGURATIONS):
        x = images(rng, dtype)
        options = pool_options(rng, x, dilated=False)
        options["count_include_pad"] = bool(rng.random() < 0.5)
        compare(
            "avg_pool2d",
            backend,
            dtype,
            (x,),
            options,
            lambda t, options=options: tf.avg_pool2d(t, **options),
            f"{x.shape}, {options}",
        )


def test_global_avg_pool2d(backend, dtype):
    rng = np.random.default_rng(13)
    for _ in range(20):
        x = images(rng, dtype)
        compare(
            "global_avg_pool2d",
            backend,
            dtype,
            (x,),
            {},
            lambda t: tf.adaptive_avg_pool2d(t, 1),
            x.shape,
        )


def test_cross_entropy(backend, dtype):
    rng = np.random.default_rng(14)
    for _ in range(CONFIGURATIONS):
        n, c = (int(size) for size in rng.integers(1, 40, 2))
        scale = 10 ** rng.uniform(-2, 4)
        logits = (scale * rng.standard_normal((n, c))).astype(dtype)
        smoothing = float(rng.choice([0.0, 0.1, rng.uniform(), 1.0]))
        ignored = int(rng.choice([-100, rng.integers(0, c)]))
        options = {"label_smoothing": smoothing, "ignore_index": ignored}
        compare(
            "cross_entropy",
            backend,
            dtype,
            (logits, rng.integers(0, c, n)),
            options,
            lambda z, t, o=options: tf.cross_entropy(z, t, reduction="none", **o),
            f"{n} × {c}, logits of ±{scale:.2g}, {options}",
        )


def test_add_relu(backend, dtype):
    a, b = np.random.default_rng(15).standard_normal((2, 3, 4, 5)).astype(dtype)
    compare("add_relu", backend, dtype, (a, b), {}, lambda a, b: tf.relu(a + b), "add_relu")

"""conv2d and linear against PyTorch over random configurations, forward and backward."""

import numpy as np
import pytest

from minires_kernels import kernel
from minires_kernels.backends import load

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
tf = torch.nn.functional
TOLERANCE = {"float64": 1e-10, "float32": 1e-5}


def relative(a, b):
    """Largest error, relative to the largest value."""
    return np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-30)


def layouts(rng, a):
    """Return equal values in a random memory order: C, channels-last, reversed or read-only."""
    kind = rng.integers(4)
    if kind == 1 and a.ndim == 4:
        return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    if kind == 2:
        return np.ascontiguousarray(a[..., ::-1])[..., ::-1]
    if kind == 3:
        a = a.copy()
        a.flags.writeable = False
    return a


def random_convolution(rng):
    """Draw sizes and options for which at least one window fits."""
    groups = int(rng.choice([1, 1, 1, 2, 3, 4]))
    c_group, k_group = int(rng.integers(1, 6)), int(rng.integers(1, 6))
    if rng.random() < 0.2:
        c_group = 1  # depthwise
    kernel_size = [(1, 1), (3, 3), (7, 7), (2, 3), (5, 1)][rng.integers(5)]
    options = {
        "stride": tuple(int(v) for v in rng.integers(1, 4, 2)),
        "padding": tuple(int(v) for v in rng.integers(0, 4, 2)),
        "dilation": tuple(int(v) for v in rng.integers(1, 3, 2)),
        "groups": groups,
    }
    reach = [d * (r - 1) + 1 for d, r in zip(options["dilation"], kernel_size, strict=True)]
    least = [max(1, s - 2 * p) for s, p in zip(reach, options["padding"], strict=True)]
    h, w = (n + int(rng.integers(0, 9)) for n in least)
    x = rng.standard_normal((int(rng.integers(1, 4)), groups * c_group, h, w))
    weight = rng.standard_normal((groups * k_group, c_group, *kernel_size))
    b = rng.standard_normal(groups * k_group) if rng.random() < 0.5 else None
    return x, weight, b, options


def compare(name, function, arrays, options, rng, dtype):
    tensors = [None if a is None else torch.tensor(a.astype(dtype).copy()) for a in arrays]
    for t in tensors:
        if t is not None:
            t.requires_grad_()
    y = function(*tensors, **options)
    dy = rng.standard_normal(tuple(y.shape)).astype(dtype)
    y.backward(torch.from_numpy(dy))
    for backend in ("reference", "cpu"):
        for version in load(backend).KERNELS[name]:
            k = kernel(name, backend, version.number)
            inputs = [None if a is None else layouts(rng, a.astype(dtype)) for a in arrays]
            in_loops = backend == "reference" and version.number == 1 and name == "conv2d"
            if in_loops and y.numel() * arrays[1][0].size > 3000:
                continue
            try:
                found, *saved = k.forward(*inputs, **options)
            except ValueError as error:
                if "does not support" in str(error):
                    continue
                raise
            what = f"{name} v{version.number} {backend} {dtype} {options}"
            assert relative(found, y.detach().numpy()) < TOLERANCE[dtype], what
            gradients = k.backward(layouts(rng, dy), *saved)
            for g, t in zip(gradients, tensors, strict=True):
                assert (g is None) == (t is None)
                if t is not None:
                    assert relative(g, t.grad.numpy()) < TOLERANCE[dtype], what


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_conv2d(dtype):
    rng = np.random.default_rng(0)
    for _ in range(60):
        *arrays, options = random_convolution(rng)
        compare("conv2d", tf.conv2d, arrays, options, rng, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear(dtype):
    rng = np.random.default_rng(0)
    for _ in range(60):
        m, i, o = (int(v) for v in rng.integers(1, 70, 3))
        b = rng.standard_normal(o) if rng.random() < 0.5 else None
        arrays = [rng.standard_normal((m, i)), rng.standard_normal((o, i)), b]
        compare("linear", tf.linear, arrays, {}, rng, dtype)

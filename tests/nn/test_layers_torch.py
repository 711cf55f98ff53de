"""Layers and functions beside PyTorch's: values and all gradients, in both precisions."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import minires.functional as F
from minires import Tensor, nn, use_backend

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import torch.nn.functional as tf  # noqa: E402

DTYPES = st.sampled_from(["float32", "float64"])
TOLERANCE = {"float32": 2e-5, "float64": 1e-11}


def compare(ours, theirs, *arrays, least=0.1):
    """Call both with the arrays; assert equal values and gradients, relative to the largest.

    `least` counts as the largest where all are smaller.
    """
    dtype = arrays[0].dtype
    xs = [Tensor(a.copy(), requires_grad=True) for a in arrays]
    zs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = ours(*xs), theirs(*zs)
    assert y.shape == tuple(z.shape)
    dy = np.asarray(np.random.default_rng(0).standard_normal(y.shape)).astype(dtype)
    y.backward(dy)
    z.backward(torch.tensor(dy))
    pairs = [(y.data, z.detach())] + [(x.grad, z.grad) for x, z in zip(xs, zs, strict=True)]
    for got, expected in pairs:
        expected = expected.numpy()
        assert got.dtype == dtype
        assert got.shape == expected.shape
        if expected.size:
            scale = max(np.abs(expected).max(), least)
            assert np.abs(got - expected).max() <= TOLERANCE[str(dtype)] * scale


def normal(seed, dtype, *shape):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


ACTIVATIONS = {
    "gelu": (F.gelu, tf.gelu),
    "gelu tanh": (
        lambda x: F.gelu(x, approximate="tanh"),
        lambda x: tf.gelu(x, approximate="tanh"),
    ),
    "silu": (F.silu, tf.silu),
    "leaky_relu": (F.leaky_relu, tf.leaky_relu),
    "leaky_relu 0.3": (lambda x: F.leaky_relu(x, 0.3), lambda x: tf.leaky_relu(x, 0.3)),
}


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations(name, dtype, backend):
    ours, theirs = ACTIVATIONS[name]
    x = np.concatenate([np.linspace(-12, 12, 481), [0.0, -0.0, 1e-8, -1e-8, 60, -60]])
    with use_backend(backend):
        compare(ours, theirs, x.astype(dtype))
        compare(ours, theirs, normal(0, dtype, 2, 3, 4, 5))


@given(
    rows=st.lists(st.integers(1, 4), min_size=0, max_size=3),
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    affine=st.sampled_from([(True, True), (True, False), (False, False)]),
    eps=st.sampled_from([1e-5, 0.1]),
    dtype=DTYPES,
)
def test_layer_norm(rows, shape, affine, eps, dtype):
    if np.prod(shape) == 2:
        return  # two values become ±1: see test_group_norm
    x = normal(1, dtype, *rows, *shape) + np.dtype(dtype).type(3)
    given = [normal(2 + i, dtype, *shape) for i, used in enumerate(affine) if used]
    compare(
        lambda x, *p: F.layer_norm(x, shape, *p, eps=eps),
        lambda x, *p: tf.layer_norm(x, shape, *p, eps=eps),
        x,
        *given,
        least=1.0,  # of one feature PyTorch's gradient is not 0, but rounding errors / √eps
    )


@given(
    n=st.integers(0, 3),
    groups=st.integers(1, 4),
    each=st.integers(1, 4),
    pixels=st.lists(st.integers(1, 5), min_size=0, max_size=2),
    affine=st.booleans(),
    dtype=DTYPES,
)
def test_group_norm(n, groups, each, pixels, affine, dtype):
    if each * int(np.prod(pixels)) < 3:
        return  # two values become ±1: PyTorch's gradient then is rounding, 1e-4 of float32
    c = groups * each
    given = [normal(i, dtype, c) for i in (3, 4)] if affine else []
    compare(
        lambda x, *p: F.group_norm(x, groups, *p),
        lambda x, *p: tf.group_norm(x, groups, *p),
        normal(5, dtype, n, c, *pixels),
        *given,
        least=1.0,
    )


@settings(max_examples=60)
@given(
    n=st.integers(1, 2),
    groups=st.integers(1, 3),
    c=st.integers(1, 3),
    k=st.integers(1, 3),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    window=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    extra=st.integers(0, 2),
    bias=st.booleans(),
    dtype=DTYPES,
    backend=st.sampled_from(["reference", "cpu"]),
)
def test_conv_transpose2d(
    n, groups, c, k, size, window, stride, padding, dilation, extra, bias, dtype, backend
):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    options["output_padding"] = tuple(min(extra, s - 1) for s in stride)
    reach = [d * (r - 1) + 1 for d, r in zip(dilation, window, strict=True)]
    output = [
        (h - 1) * s - 2 * p + r + e
        for h, s, p, r, e in zip(
            size, stride, padding, reach, options["output_padding"], strict=True
        )
    ]
    x = normal(6, dtype, n, groups * c, *size)
    w = normal(7, dtype, groups * c, k, *window)
    arrays = [x, w, normal(8, dtype, groups * k)] if bias else [x, w]
    with use_backend(backend):
        if min(output) < 1:
            with pytest.raises(ValueError, match="leaves"):
                F.conv_transpose2d(*map(Tensor, arrays), **options)
            return
        compare(
            lambda *a: F.conv_transpose2d(*a, **options),
            lambda *a: tf.conv_transpose2d(*a, **options),
            *arrays,
        )


@given(r=st.integers(1, 4), c=st.integers(1, 3), h=st.integers(1, 4), w=st.integers(1, 4))
def test_pixel_shuffle(r, c, h, w):
    compare(
        lambda x: F.pixel_shuffle(x, r),
        lambda x: tf.pixel_shuffle(x, r),
        normal(9, "float32", 2, c * r * r, h, w),
    )
    compare(
        lambda x: F.pixel_unshuffle(x, r),
        lambda x: tf.pixel_unshuffle(x, r),
        normal(10, "float32", 2, c, h * r, w * r),
    )


@settings(max_examples=100)
@given(
    h=st.integers(1, 9),
    w=st.integers(1, 9),
    by=st.one_of(
        st.tuples(st.integers(1, 20), st.integers(1, 20)),
        st.floats(0.3, 4.3),
        st.sampled_from([2, 3, 0.5, (2.0, 1.5)]),
    ),
    way=st.sampled_from(["nearest", False, True, None]),
    dtype=DTYPES,
)
@example(h=3, w=2, by=1.25, way=False, dtype="float32")  # no size changes: nor does an image
def test_interpolate(h, w, by, way, dtype):
    options = {"mode": "nearest" if way == "nearest" else "bilinear"}
    if way != "nearest":
        options["align_corners"] = way
    sized = isinstance(by, tuple) and isinstance(by[0], int)
    options["size" if sized else "scale_factor"] = by
    factors = by if isinstance(by, tuple) else (by, by)
    if not sized and (int(h * factors[0]) < 1 or int(w * factors[1]) < 1):
        with pytest.raises(ValueError, match="pixels"):
            F.interpolate(Tensor(normal(11, dtype, 2, 2, h, w)), **options)
        return
    compare(
        lambda x: F.interpolate(x, **options),
        lambda x: tf.interpolate(x, **options),
        normal(11, dtype, 2, 2, h, w),
    )


PAIRS = {
    "LayerNorm": ((7,), (2, 3, 7)),
    "GroupNorm": ((2, 6), (2, 6, 4, 5)),
    "ConvTranspose2d": ((4, 6, 3, 2, 1, 1, 2), (2, 4, 5, 4)),
    "GELU": ((), (3, 4)),
    "SiLU": ((), (3, 4)),
    "LeakyReLU": ((), (3, 4)),
    "PixelShuffle": ((2,), (1, 8, 2, 3)),
    "PixelUnshuffle": ((2,), (1, 2, 4, 6)),
    "Upsample": ((None, 2), (1, 2, 3, 4)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_modules_have_pytorchs_arguments_names_and_text(name):
    arguments, shape = PAIRS[name]
    ours, theirs = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    ours.load_state_dict({k: v.numpy() for k, v in theirs.state_dict().items()})
    compare(ours, theirs, normal(12, "float32", *shape))


def test_the_start_of_a_transposed_convolution():
    ours, theirs = (
        nn.ConvTranspose2d(8, 12, 3, groups=2),
        torch.nn.ConvTranspose2d(8, 12, 3, groups=2),
    )
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        bound = 1 / np.sqrt(6 * 9)
        assert p.shape == tuple(q.shape)
        for values in (p.data, q.detach().numpy()):
            assert 0.7 * bound < np.abs(values).max() <= bound

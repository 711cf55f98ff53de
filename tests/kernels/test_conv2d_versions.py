"""The fast versions of convolution: any shape against the reference, and which one is chosen."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires_kernels import kernel, use_versions
from minires_kernels.checks import windows
from minires_kernels.cpu.conv2d import few_pixels, products, v4_winograd
from minires_kernels.cpu.conv2d.gather import backward_gathers, forward_gather
from minires_kernels.cpu.machine import threads


def compare(version, x, w, b, options, tolerance):
    """Run forward and backward of a version and of the float64 reference."""
    k, reference = kernel("conv2d", "cpu", version), kernel("conv2d", "reference", 2)
    y, *saved = k.forward(x, w, b, **options)
    exact = [None if a is None else a.astype(np.float64) for a in (x, w, b)]
    y0, *saved0 = reference.forward(*exact, **options)
    dy = np.random.default_rng(1).standard_normal(y.shape).astype(x.dtype)
    got = (y, *k.backward(dy, *saved))
    expected = (y0, *reference.backward(dy.astype(np.float64), *saved0))
    for name, a, e in zip(("y", "dx", "dw", "db"), got, expected, strict=True):
        if e is not None and e.size:
            scale = np.abs(e).max()
            assert np.abs(a - e).max() <= tolerance * max(scale, 1e-30), (name, version)


sizes = st.integers(1, 4)


@st.composite
def calls(draw):
    """Any shape that v3 takes: sizes, channels beyond a register, strides, groups, padding."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    c, k = draw(st.integers(1, 20)), draw(st.integers(1, 36))
    if draw(st.booleans()) and groups > 1:
        c = k = 1  # as many groups as channels: depthwise
        groups = draw(st.integers(2, 40))
    r, s = draw(sizes), draw(sizes)
    stride, dilation = (draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in "sd")
    padding = draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    h = draw(st.integers(1, 12)) + max(0, dilation[0] * (r - 1) - 2 * padding[0])
    w = draw(st.integers(1, 12)) + max(0, dilation[1] * (s - 1) - 2 * padding[1])
    return {
        "x": (draw(st.integers(0, 3)), c * groups, h, w),
        "w": (k * groups, c, r, s),
        "bias": draw(st.booleans()),
        "options": {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
        "dtype": draw(st.sampled_from([np.float32, np.float64])),
    }


@given(calls())
def test_the_register_tile_takes_any_shape(call):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(call[a]).astype(call["dtype"]) for a in "xw")
    b = rng.standard_normal(len(w)).astype(call["dtype"]) if call["bias"] else None
    tolerance = 1e-5 if call["dtype"] == np.float32 else 1e-12
    compare(3, x, w, b, call["options"], tolerance)


@pytest.mark.parametrize("staged", [False, True], ids=["groups of tiles", "stages"])
@given(
    n=st.integers(1, 5),
    c=st.integers(8, 40) | st.sampled_from([16, 32, 48]),  # whole blocks have loops of their own
    k=st.integers(8, 40) | st.sampled_from([16, 32, 48]),
    h=st.integers(4, 19),
    w=st.integers(4, 19),
    padding=st.tuples(*[st.sampled_from([0, 1, 2, 3, 9])] * 2),
    bias=st.booleans(),
)
def test_winograd_takes_any_size_and_both_ways(staged, n, c, k, h, w, padding, bias):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, c, h, w)).astype(np.float32)
    weights = rng.standard_normal((k, c, 3, 3)).astype(np.float32)
    b = rng.standard_normal(k).astype(np.float32) if bias else None
    win = windows((h, w), (3, 3), 1, padding, 1)
    if not v4_winograd.pays(x, weights, b, win=win, groups=1):
        return
    before = v4_winograd.STAGED_BYTES
    v4_winograd.STAGED_BYTES = 0 if staged else 1 << 60
    try:
        compare(4, x, weights, b, {"padding": padding}, 1e-4)
    finally:
        v4_winograd.STAGED_BYTES = before


@pytest.mark.parametrize(
    ("x", "w", "options"),
    [
        ((2, 64, 56, 56), (96, 64, 3, 3), {"stride": 2, "padding": 1}),  # bands of an image
        ((9, 48, 7, 7), (64, 48, 3, 3), {"stride": 2, "padding": 1}),  # several images per unit
        ((3, 3, 61, 67), (20, 3, 7, 7), {"stride": 2, "padding": 3}),  # the stem
        ((2, 72, 30, 31), (40, 72, 1, 1), {"stride": 2}),  # read in place, odd sizes
        ((3, 72, 9, 13), (104, 72, 1, 1), {}),  # a tile of pixels meets several blocks of filters
        ((1, 256, 9, 9), (130, 256, 3, 3), {"stride": 3, "padding": 1}),  # filters split
        ((1, 512, 19, 19), (70, 512, 3, 3), {"stride": 2, "padding": 1}),  # sums that wait in y
        ((2, 64, 60, 60), (64, 1, 5, 5), {"padding": 2, "groups": 64}),  # depthwise bands
    ],
)
def test_sizes_beyond_a_unit_of_work(x, w, options):
    rng = np.random.default_rng(0)
    arrays = (rng.standard_normal(shape).astype(np.float32) for shape in (x, w, w[:1]))
    compare(3, *arrays, options, 1e-5)


@given(calls())
def test_columns_for_few_pixels_take_any_shape(call):
    if call["options"]["groups"] > 1 or not call["x"][0]:
        return
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(call[a]).astype(call["dtype"]) for a in "xw")
    b = rng.standard_normal(len(w)).astype(call["dtype"]) if call["bias"] else None
    tolerance = 1e-5 if call["dtype"] == np.float32 else 1e-12
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_pixels, "pays", lambda *_: True)
        patch.setattr(few_pixels, "SMALLEST_FLOPS", 1)  # several pieces
        compare(3, x, w, b, call["options"], tolerance)


PRODUCTS = [  # x, w, stride; pixels in pieces, or filters where there are few of these
    ((3, 512, 9, 11), (520, 512, 1, 1), 1),
    ((3, 520, 15, 16), (516, 520, 1, 1), 2),
    ((1, 1030, 14, 13), (513, 1030, 1, 1), 1),
]


@pytest.mark.parametrize(("x", "w", "stride"), PRODUCTS)
def test_many_1x1_filters_give_the_same_bits_on_any_threads(x, w, stride, monkeypatch):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (x, w))
    b = rng.standard_normal(len(w)).astype(np.float32)
    called, multiply = [], products.multiply
    monkeypatch.setattr(products, "multiply", lambda *a: (called.append(a), multiply(*a)))
    before, results = threads.num_threads(), []
    try:
        for n in (1, 2, 3):
            threads.set_num_threads(n)
            called.clear()
            compare(3, x, w, b, {"stride": stride}, 2e-5)
            assert len(called) >= 3 * min(n, 2), called  # y, dx and dw, each by several threads
            k = kernel("conv2d", "cpu")
            y, *saved = k.forward(x, w, b, stride=stride)
            results.append([a.tobytes() for a in (y, *k.backward(y, *saved))])
    finally:
        threads.set_num_threads(before)
    assert results[0] == results[1] == results[2]


FEW = [  # x, w, stride, padding
    ((8, 130, 2, 2), (96, 130, 3, 3), 1, 1),
    ((2, 250, 4, 4), (300, 250, 3, 3), 2, 1),
    ((8, 256, 4, 4), (512, 256, 1, 1), 2, 0),
    ((1, 512, 7, 7), (520, 512, 3, 3), 1, 1),
]


@pytest.mark.parametrize(("x", "w", "stride", "padding"), FEW)
def test_few_pixels_give_the_same_bits_on_any_threads(x, w, stride, padding, monkeypatch):
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (x, w))
    called, run = [], few_pixels.run

    def counted(loop, n, *args, smallest=1):
        called.append((loop, n // smallest))
        run(loop, n, *args, smallest=smallest)

    monkeypatch.setattr(few_pixels, "run", counted)
    before, results = threads.num_threads(), []
    try:
        for n in (1, 2, 3):
            threads.set_num_threads(n)
            called.clear()
            compare(None, x, w, None, {"stride": stride, "padding": padding}, 2e-5)
            ranges = [cuts for loop, cuts in called if loop is few_pixels._product]
            assert len(ranges) == 3, called  # y, dx and dw
            assert min(ranges) > 1
            k = kernel("conv2d", "cpu")
            y, *saved = k.forward(x, w, stride=stride, padding=padding)
            dx, dw, _ = k.backward(y, *saved)
            only = [k.backward(y, *saved, needs=(i == 0, i == 1, False))[i] for i in (0, 1)]
            results.append([a.tobytes() for a in (y, dx, dw, *only)])
    finally:
        threads.set_num_threads(before)
    assert results[0] == results[1] == results[2]
    assert results[0][1:3] == results[0][3:]


def test_which_convolutions_have_few_pixels():
    def few(x, w, stride=1, padding=1, groups=1):
        win = windows(x[2:], w[2:], stride, padding, 1)
        x, w = np.empty(x, np.float32), np.empty(w, np.float32)
        winograd = v4_winograd.pays(x, w, None, win=win, groups=groups)
        return few_pixels.pays(x, w, win, groups) and not winograd

    assert few((8, 512, 2, 2), (512, 512, 3, 3))  # the end of ResNet-18 at 64 pixels
    assert few((8, 256, 4, 4), (512, 256, 3, 3), 2)
    assert few((8, 256, 4, 4), (512, 256, 1, 1), 2, 0)
    assert not few((8, 256, 4, 4), (256, 256, 3, 3))
    assert few((1, 512, 7, 7), (512, 512, 3, 3))  # at 224 pixels, a single image
    assert not few((3, 512, 7, 7), (512, 512, 3, 3))  # enough for Winograd
    assert few((3, 512, 14, 14), (512, 512, 3, 3), 2)
    assert not few((8, 512, 7, 7), (512, 512, 3, 3))
    assert not few((128, 64, 8, 8), (64, 64, 3, 3))
    assert not few((1, 8, 1, 1), (8, 8, 3, 3))  # few weights, too
    assert not few((8, 512, 2, 2), (512, 256, 3, 3), groups=2)
    assert not few((0, 512, 2, 2), (512, 512, 3, 3))


def test_which_version_runs():
    def chosen(x, w, dtype=np.float32, **options):
        k = kernel("conv2d", "cpu")
        arrays, checked = k.spec.check_forward(
            np.zeros(x, dtype), np.zeros(w, dtype), None, **options
        )
        return k.select("supports", arrays, checked).number

    assert chosen((2, 16, 8, 8), (16, 16, 3, 3), padding=1) == 4
    assert chosen((2, 512, 7, 7), (512, 512, 3, 3), padding=1) == 4
    assert chosen((2, 16, 8, 8), (16, 16, 3, 3), np.float64, padding=1) == 3
    assert chosen((2, 16, 8, 8), (16, 16, 3, 3), padding=1, stride=2) == 3
    assert chosen((2, 16, 8, 8), (16, 16, 3, 3), padding=2, dilation=2) == 3
    assert chosen((2, 16, 8, 8), (16, 8, 3, 3), padding=1, groups=2) == 3
    assert chosen((2, 3, 8, 8), (16, 3, 3, 3), padding=1) == 3
    assert chosen((2, 16, 8, 8), (16, 16, 1, 1)) == 3
    with use_versions(conv2d=2):
        assert chosen((2, 16, 8, 8), (16, 16, 3, 3), padding=1) == 2
        with use_versions(relu=1):
            assert chosen((2, 16, 8, 8), (16, 16, 3, 3), padding=1) == 2
    assert chosen((2, 16, 8, 8), (16, 16, 3, 3), padding=1) == 4


def test_use_versions_refuses():
    with pytest.raises(ValueError, match="no kernel 'conv3d'"):
        use_versions(conv3d=1)
    for number in (0, True, "2"):
        with pytest.raises(ValueError, match="version number"):
            use_versions(conv2d=number)


def test_phases_of_a_stride_form_no_product_with_zero():
    """Together the gathers of dx have each tap once per output pixel: no more work than forward."""
    win = windows((9, 8), (3, 3), 2, 1, 1)
    (p, q), gathers = win.output, backward_gathers(win, (9, 8))
    assert len(gathers) == 4
    assert sorted(t for g in gathers for _, _, t in g.taps) == list(range(9))
    assert len(forward_gather(win).taps) == 9
    assert sum(g.output[0] * g.output[1] for g in gathers) == 9 * 8
    assert (p, q) == (5, 4)


@pytest.mark.slow
@pytest.mark.parametrize(("cpu", "width"), [("haswell", 32), ("nehalem", 16)])
def test_narrower_registers(cpu, width):
    """The kernels compiled for processors without AVX-512, and without AVX."""
    code = f"""
import numpy as np
from minires_kernels.cpu.machine.vector_width import VECTOR_BYTES
assert VECTOR_BYTES <= {width}, VECTOR_BYTES
from minires_kernels import kernel, specs
runs = [("conv2d", 3, 1), ("conv2d", 4, 10), ("max_pool2d", 1, 1), ("avg_pool2d", 1, 1)]
runs += [("conv2d_norm_relu", 2, 10), ("gated", 1, 1), ("cross_entropy", 1, 1)]
runs += [("group_norm", 1, 3)]
double = lambda a: a.astype(float) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a
for name, version, scale in runs:
    reference = kernel(name, "reference", 2 if name == "conv2d" else 1)
    k, ran = kernel(name, "cpu", version), 0
    for case in specs()[name].cases(np.random.default_rng(0)):
        try:
            y, *saved = k.forward(*case.astype(np.float32), **case.options)
        except ValueError:
            continue
        y0, *saved0 = reference.forward(*case.arrays, **case.options)
        dy = np.random.default_rng(1).standard_normal(y.shape)
        got = k.backward(dy.astype(np.float32), *saved)
        if name == "conv2d_norm_relu":  # both from one side of the kinks
            saved0 = map(double, saved)
        expected = reference.backward(dy, *saved0)
        if not isinstance(got, tuple):
            got, expected = (got,), (expected,)
        for a, e in zip((y, *got), (y0, *expected)):
            if e is not None and e.size:
                assert abs(a - e).max() <= scale * 1e-5 * abs(e).max(), case.label
        ran += 1
    assert ran >= 2, name
print(VECTOR_BYTES)
"""
    env = os.environ | {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == width

"""ElementwiseKernel and ReductionKernel: CuPy's specifications, NumPy's results."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minires_emulator import (
    CompileError,
    ElementwiseKernel,
    KernelFault,
    ReductionKernel,
    check,
    coverage,
)

f4, f8, i4 = np.float32, np.float64, np.int32

axpy = ElementwiseKernel("T x, T y, T a", "T z", "z = a * x + y", "axpy")
quotient = ElementwiseKernel(
    "int32 x, int32 y", "int32 q, int32 r", "q = x / y; r = x % y", "quotient"
)
gather = ElementwiseKernel(
    "raw T table, int32 j", "T y", "y = table[j] + i * table.size()", "gather"
)
scatter = ElementwiseKernel("T x", "raw T y", "y[y.size() - 1 - i] = x", "scatter")
cast = ElementwiseKernel("T x", "U y", "y = U(x)", "cast")
total = ReductionKernel("T x", "T y", "x", "a + b", "y = a", "0", "total")
norm = ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "norm")
largest = ReductionKernel("T x", "T y", "x", "max(a, b)", "y = a", None, "largest")
dot = ReductionKernel("T x, T y", "float64 z", "x * y", "a + b", "z = a", "0", "dot")
count = ReductionKernel(
    "T x, T limit", "int64 n", "x > limit", "a + b", "n = a", "0", "count", reduce_type="int32"
)

shapes = hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=5)
arrays = st.builds(
    lambda shape, seed, order: np.random.default_rng(seed).integers(-9, 9, shape).astype(f4, order),
    hnp.array_shapes(min_dims=0, max_dims=4, max_side=6),
    st.integers(0, 99),
    st.sampled_from("CF"),
)


@settings(max_examples=60, deadline=None)
@given(shapes, st.integers(0, 99), st.sampled_from([f4, f8, i4]))
def test_broadcasting(shapes, seed, dtype):
    rng = np.random.default_rng(seed)
    x, y, a = (rng.integers(-9, 9, s).astype(dtype) for s in shapes.input_shapes)
    z = axpy(x, y, a)
    assert (z.dtype, z.shape) == (dtype, shapes.result_shape)
    assert (z == a * x + y).all()


@settings(max_examples=60, deadline=None)
@given(arrays, st.data())
def test_reductions(x, data):
    axes = st.lists(st.integers(-x.ndim, x.ndim - 1), unique_by=lambda a: a % max(x.ndim, 1))
    axis = data.draw(st.none() | axes.map(tuple)) if x.ndim else None
    keepdims = data.draw(st.booleans())
    for kernel, reference in [(total, np.sum), (largest, np.max)]:
        y = kernel(x, axis=axis, keepdims=keepdims)
        expected = reference(x, axis=axis, keepdims=keepdims)
        assert (y.dtype, y.shape) == (f4, expected.shape)
        assert (y == expected).all()


def test_views_and_orders():
    x = np.arange(24, dtype=f4).reshape(4, 6)
    assert (axpy(x.T, x[:, ::-1].T, f4(2)) == 2 * x.T + x[:, ::-1].T).all()
    assert (total(x[::2, 1::2], axis=0) == x[::2, 1::2].sum(0)).all()


def test_several_outputs_and_given_ones():
    x = np.arange(10, dtype=i4)
    q, r = quotient(x, 3)
    assert (q.tolist(), r.tolist()) == ((x // 3).tolist(), (x % 3).tolist())
    out = np.zeros((10, 2), i4)
    result = quotient(x, 3, out[:, 0], out[:, 1])
    assert result[0].base is out
    assert (out == np.stack([x // 3, x % 3], 1)).all()


def test_raw_arrays_and_i():
    table = np.arange(5, dtype=f4)
    j = np.array([4, 0, 2], i4)
    assert gather(table, j).tolist() == [4, 0 + 5, 2 + 10]
    y = np.zeros(3, f4)
    scatter(np.array([1, 2, 3], f4), y)
    assert y.tolist() == [3, 2, 1]
    fill = ElementwiseKernel("", "raw float32 y", "y[i] = i", "fill")
    fill(y, size=3)
    assert y.tolist() == [0, 1, 2]


def test_in_place():
    x = np.arange(300, dtype=f4)
    axpy(x, x, f4(1), x)
    assert (x == 2 * np.arange(300)).all()


def test_two_letters():
    assert cast(np.array([1.5, -2.5]), np.zeros(2, i4)).tolist() == [1, -2]
    with pytest.raises(TypeError, match="no argument tells the type U"):
        cast(np.zeros(2))


def test_reduction_details():
    x = np.arange(12, dtype=f4).reshape(3, 4)
    assert norm(x, axis=1) == pytest.approx(np.sqrt((x**2).sum(1)))
    assert dot(x, x[:1]).dtype == f8
    assert dot(x, x[0]) == (x * x[0]).sum()
    assert count(x, 5).item() == 6
    out = np.zeros(3, f4)
    assert total(x, axis=1, out=out) is out
    assert (out == x.sum(1)).all()
    assert total(np.empty((3, 0), f4), axis=1).tolist() == [0, 0, 0]
    assert total(np.empty((0, 3), f4), axis=1).shape == (0,)
    with pytest.raises(ValueError, match="nothing to reduce"):
        largest(np.empty((3, 0), f4), axis=1)


def test_options_and_preambles():
    kernel = ElementwiseKernel(
        "T x", "T y", "y = twice(x) + MORE", "with_preamble",
        preamble="template <class T> __device__ T twice(T x) { return 2 * x; }",
        options=("-DMORE=1",),
    )  # fmt: skip
    assert kernel(np.array([1, 2], f4)).tolist() == [3, 5]


@pytest.mark.parametrize("mode", [check, coverage])
def test_other_modes(mode):
    with mode() as seen:
        assert axpy(np.ones(5, f4), f4(1), f4(2)).tolist() == [3] * 5
        assert total(np.ones(1000, f4)) == 1000
    if mode is coverage:
        assert seen["axpy"] == {1: 5}
        assert seen["total, map_expr"] == {1: 1000}
    else:
        assert [name for name, _, _ in seen.launches] == ["axpy", "total"]


def test_faults_name_the_kernels_own_line():
    wrong = ElementwiseKernel("raw T x, int32 n", "T y", "int j = i + n;\ny = x[j]", "wrong")
    with check(), pytest.raises(KernelFault) as caught:
        wrong(np.zeros(5, f4), np.full(5, 3, i4))
    place = caught.value.reports[0].first
    assert (place.file, place.line) in [("wrong", 2), ("", 0)]
    assert "element 5 of argument 0" in str(caught.value)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: axpy(np.ones(2, f4)), TypeError, "expected 3 inputs, or 4 with outputs, got 1"),
        (lambda: axpy(np.ones(2, f4), np.ones(2), 1), TypeError, "y must be float32"),
        (lambda: axpy(np.ones(2, f4), np.ones(3, f4), 1), ValueError, "broadcast"),
        (lambda: axpy(np.ones(2, i4), 1, 0.5), TypeError, "a must be int32 or an array of it"),
        (lambda: axpy(np.ones(2, "c8"), 1, 1), TypeError, "cannot compute with complex64"),
        (lambda: axpy(np.ones(2, "O"), 1, 1), TypeError, "cannot compute with object"),
        (lambda: axpy(np.ones(2, f4), 1, 1, np.ones(3, f4)), ValueError, r"shape \(2,\)"),
        (lambda: axpy(np.ones(2, f4), 1, 1, 7), TypeError, "z must be an array"),
        (lambda: axpy([1.0], np.ones(2), 1), TypeError, "x must be float64"),
        (lambda: gather([1.0], np.zeros(1, i4)), TypeError, "table is raw"),
        (lambda: scatter(np.ones(2, f4)), TypeError, "raw output y has to be given"),
        (lambda: scatter(np.ones(2, f4), np.ones(2, f4), size=2), ValueError, "size is for"),
        (lambda: total(np.ones(2, f4), axis=1), ValueError, "axis must be within 1"),
        (lambda: total(np.ones((2, 2), f4), axis=(0, -2)), ValueError, "axis occurs twice"),
        (lambda: total(np.ones(2, f4), axis=0.0), ValueError, "axis must be"),
        (lambda: total(np.ones(2, f4), out=np.ones(2, f4)), ValueError, "out must have shape"),
        (lambda: total(), TypeError, "expected 1 inputs"),
        (lambda: ElementwiseKernel("T", "T y", ""), ValueError, "expected '.raw. type name'"),
        (lambda: ElementwiseKernel("half x", "T y", ""), ValueError, "no type half"),
        (lambda: ElementwiseKernel("T x, T x", "T y", ""), ValueError, "each name may occur once"),
        (lambda: ElementwiseKernel("T x", "", ""), ValueError, "an output"),
        (lambda: ElementwiseKernel("T x", "T y", "", "a b"), ValueError, "identifier"),
        (lambda: ReductionKernel("T x", "T y, T z", "", "", "", "0"), ValueError, "one output"),
        (lambda: ReductionKernel("raw T x", "T y", "", "", "", "0"), ValueError, "not raw"),
        (
            lambda: ElementwiseKernel("T x", "T y", "y = z", "bad")(np.ones(1)),
            CompileError,
            r"bad:1:\d+: error: .*z",
        ),
    ],
)
def test_wrong_calls(call, error, says):
    with pytest.raises(error, match=says):
        call()

"""Bad and odd calls: an error that says something, or the reference's answer. Never a crash."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minires_kernels import kernel, specs

SPECS = {name: spec for name, spec in specs().items() if spec.gradients}
ON_NUMPY = ("reference", "cpu", "cuda-sim")
EXAMPLES = 4 * settings.default.max_examples  # per backend; the same ones every time

# ---- what can go wrong with an array ------------------------------------------------------------
SHAPES = st.lists(st.integers(0, 4), max_size=5).map(tuple)
DTYPES = st.sampled_from(
    ["float32", "float16", "longdouble", "int64", "bool", "complex128", "object", "U3", ">f8"]
)
NOT_ARRAYS = st.sampled_from(
    [None, 3, 2.5, "x", [[1.0, 2.0]], (), {}, np.float64(1.0), np.ma.masked_array([1.0], [True])]
)


def specials(a, value):
    """Put NaN or an infinity in the middle."""
    a = a.copy()
    if a.dtype.kind == "f" and a.size:
        a.flat[a.size // 2] = value
    return a


def strided(a, how):
    if a.ndim == 0:
        return a
    if how == "negative":
        return np.flip(np.flip(a).copy())
    if how == "gaps":
        return np.repeat(a, 2, axis=-1)[..., ::2]
    if how == "Fortran":
        return a.copy(order="F")
    if how == "zero stride":
        return np.broadcast_to(a[..., :1], a.shape)
    a = a.copy()
    a.flags.writeable = False
    return a


ARRAY_CHANGES = st.one_of(
    st.builds(lambda d: lambda a: a.astype(d), DTYPES),
    st.builds(lambda s: lambda a: np.resize(a, s).astype(a.dtype), SHAPES),
    st.builds(
        lambda how: lambda a: strided(a, how),
        st.sampled_from(["negative", "gaps", "Fortran", "zero stride", "read-only"]),
    ),
    st.just(lambda a: a[None]),
    st.just(lambda a: a[:0]),
    st.just(lambda a: a[..., :0]),
    st.just(lambda a: a[..., 0]),
    st.just(lambda a: a[..., :-1]),
    st.just(lambda a: a * 1e15),
    st.just(lambda a: a - 2),  # labels below 0
    st.just(lambda a: a + 7),  # labels above the last class
    st.builds(lambda value: lambda a: value, NOT_ARRAYS),
)

SPECIALS = st.builds(lambda v: lambda a: specials(a, v), st.sampled_from([np.nan, np.inf, -np.inf]))

# ---- and with an option -------------------------------------------------------------------------
NUMBERS = st.one_of(
    st.integers(-2, 6),
    st.sampled_from([2**31 - 1, 2**31, 2**62, 2**64, 10**30, -(2**63), 10**400]),
    st.sampled_from([0.5, 1e300, float("nan"), float("inf"), -1.0, True, False, 1j]),
    st.sampled_from([np.int64(2), np.uint8(140), np.float32(1), np.array(2), np.array([1, 2])]),
    st.sampled_from([None, "2", "valid", b"", [], [1], [1, 2, 3], (2, 1), (1, None), {}, object()]),
)
PAIRS = st.tuples(NUMBERS, NUMBERS)
OPTIONS = {
    "conv2d": ("stride", "padding", "dilation", "groups"),
    "batch_norm": ("eps",),
    "max_pool2d": ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg_pool2d": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
}


@st.composite
def calls(draw):
    """Draw a kernel and a call of it that is wrong, or at least odd, in up to three respects."""
    name = draw(st.sampled_from(sorted(SPECS)))
    examples = [
        c
        for c in SPECS[name].cases(np.random.default_rng(0))
        if all(a is None or a.size < 3000 for a in c.arrays)
    ]
    case = draw(st.sampled_from(examples))
    arrays, options = list(case.arrays), dict(case.options)
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(["array", "array", "option", "count", "special", "float32"]))
        if what == "array" and arrays:
            i = draw(st.integers(0, len(arrays) - 1))
            arrays[i] = changed(arrays[i], draw(ARRAY_CHANGES))
        elif what == "option":
            names = (*OPTIONS.get(name, ()), "unknown")
            weights = names[:-1] * 6 + names[-1:]
            options[draw(st.sampled_from(weights))] = draw(NUMBERS | PAIRS)
        elif what == "count":
            arrays = draw(st.sampled_from([arrays[:-1], [*arrays, arrays[-1]] if arrays else []]))
        elif what == "special" and arrays:
            # of conv2d only x: 0 × inf at the padding is NaN or not, depending on the version
            arrays[0] = changed(arrays[0], draw(SPECIALS))
        else:
            arrays = [changed(a, lambda a: a.astype("float32")) for a in arrays]
    return name, arrays, options


def changed(a, change):
    """Apply the change if it can be applied to `a` as it now is."""
    if not isinstance(a, np.ndarray) or a.dtype.kind not in "fiu":
        return a
    try:
        with np.errstate(all="ignore"):
            return change(a)
    except (IndexError, ValueError, TypeError, OverflowError):
        return a


def outcome(k, arrays, options, dy="drawn"):
    """Return what the call gives, or the ValueError or TypeError it raises; others propagate."""
    try:
        with np.errstate(all="ignore"):
            y, *saved = k.forward(*arrays, **options)
            if isinstance(dy, str):
                dy = np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)
            gradients = k.backward(dy, *saved)
    except (ValueError, TypeError) as error:
        return error
    return y, *(gradients if isinstance(gradients, tuple) else (gradients,))


def assert_same(got, expected):
    """Equal within rounding, NaN and infinity in the same places."""
    for a, b in zip(got, expected, strict=True):
        if b is None:
            assert a is None
            continue
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        with np.errstate(all="ignore"):
            finite = np.abs(b[np.isfinite(b)])
            largest = max(1.0, float(finite.max(initial=0)))
        rtol = {2: 5e-2, 4: 1e-4, 8: 1e-8}.get(b.dtype.itemsize, 1e-8)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * largest)


def check_against_reference(name, backend, arrays, options, dy="drawn"):
    got = outcome(kernel(name, backend), arrays, options, dy)
    if isinstance(got, Exception):
        assert str(got), f"{type(got).__name__} without a message"
        assert "broadcast" not in str(got), f"NumPy stumbled, not the check: {got}"
    number = 1 if backend == "reference" else None  # its newest version checks the others: no loops
    expected = outcome(kernel(name, "reference", number), arrays, options, dy)
    if isinstance(expected, Exception):
        assert isinstance(got, Exception), f"answered what the reference refuses: {expected}"
        assert type(got) is type(expected)
    elif isinstance(got, Exception):
        assert "reference backend" in str(got), got  # a dtype that cpu does not compute in
    else:
        assert_same(got, expected)


@pytest.mark.parametrize("backend", ON_NUMPY)
@settings(max_examples=EXAMPLES, derandomize=True)
@given(call=calls())
def test_forward_of_bad_calls(backend, call):
    check_against_reference(call[0], backend, *call[1:])


@pytest.mark.parametrize("backend", ON_NUMPY)
@settings(max_examples=EXAMPLES // 2, derandomize=True)
@given(data=st.data())
def test_backward_of_bad_gradients(backend, data):
    name = data.draw(st.sampled_from(sorted(SPECS)))
    case = SPECS[name].cases(np.random.default_rng(0))[0]
    y, *_ = kernel(name, "reference").forward(*case.arrays, **case.options)
    dy = changed(
        np.random.default_rng(1).standard_normal(y.shape), data.draw(ARRAY_CHANGES | SPECIALS)
    )
    check_against_reference(name, backend, case.arrays, case.options, dy)


# ---- promises by name ---------------------------------------------------------------------------
X = np.zeros((2, 4, 5, 5))
W = np.zeros((6, 4, 3, 3))
POOL = {"kernel_size": 2}
REFUSED = [
    ("conv2d", (X, W), {"stride": 0}, "stride: expected at least 1, got 0"),
    ("conv2d", (X, W), {"padding": -1}, "padding: expected at least 0, got -1"),
    ("conv2d", (X, W), {"stride": True}, "stride: expected an integer, got True"),
    ("conv2d", (X, W), {"groups": 3}, "groups = 3 must divide C = 4"),
    ("conv2d", (X, W), {"groups": 2}, r"expected shape \(K, 2, R, S\)"),
    ("conv2d", (X, W), {"dilation": 3}, "exceeds the padded input"),
    ("conv2d", (X[0], W), {}, r"x: expected shape \(N, C, H, W\), got \(4, 5, 5\)"),
    ("conv2d", (X, W.astype("float32")), {}, "x is float64 but w is float32"),
    ("conv2d", (X.astype(int), W), {}, "x: expected a floating dtype"),
    ("conv2d", (X.astype(">f8"), W), {}, "native byte order"),
    ("conv2d", (X.tolist(), W), {}, "x: expected a NumPy array, got list"),
    ("conv2d", (X[:, :, :0], W), {}, "H is 0"),
    ("linear", (X[0, 0], W[0, 0]), {}, "x has 5 features"),
    ("batch_norm", (X[:1, :, :1, :1],), {}, "at least 2 values per channel"),
    ("batch_norm", (X, None, None, X[0, :, 0, 0]), {}, "both mean and var"),
    ("batch_norm", (X,), {"eps": -1.0}, "eps: expected a finite number of at least 0"),
    ("max_pool2d", (X,), {"kernel_size": 6}, "exceeds the padded input"),
    ("max_pool2d", (X,), {"kernel_size": 3, "padding": 2}, "exceeds half of kernel_size"),
    ("max_pool2d", (X,), POOL | {"ceil_mode": "yes"}, "ceil_mode: expected True or False"),
    ("max_pool2d", (X[..., :1], ), {"kernel_size": (1, 2), "padding": (0, 1), "dilation": 2},
     "touches only padding along the width"),
    ("avg_pool2d", (X,), POOL | {"stride": (1, 2, 3)}, "one integer or two"),
    ("add_relu", (X, X[:1]), {}, r"b: expected shape \(2, 4, 5, 5\)"),
    ("cross_entropy", (X[0, 0], np.array([0, 1, 2, 3, 5])), {}, r"target\[4\] is 5"),
    ("cross_entropy", (X[0, 0], np.array([0, -1, 2, 3, 4])), {}, r"target\[1\] is -1"),
    ("cross_entropy", (X[0, 0], np.zeros(5)), {}, "expected integer class labels, got float64"),
    ("cross_entropy", (X[0, 0], np.array([0, -1, 7, 3, 4])), {"ignore_index": -1}, r"target\[2\]"),
    ("cross_entropy", (X[0, 0], np.zeros(5, int)), {"label_smoothing": 1.5}, "from 0 to 1"),
    ("cross_entropy", (X[0, 0], np.zeros(5, int)), {"label_smoothing": np.nan}, "label_smoothing"),
    ("cross_entropy", (X[0, 0], np.zeros(5, int)), {"ignore_index": 2**40}, "ignore_index"),
]  # fmt: skip


@pytest.mark.parametrize("backend", ON_NUMPY)
@pytest.mark.parametrize(("name", "arrays", "options", "message"), REFUSED)
def test_the_message_names_what_is_wrong(backend, name, arrays, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kernel(name, backend).forward(*arrays, **options)


HUGE = [
    ("conv2d", {"padding": 10**5}),
    ("conv2d", {"padding": (2**31 - 1, 0)}),
    ("conv2d", {"padding": 20_000}),
    ("conv2d", {"padding": 2**63}),
    ("conv2d", {"dilation": 2**31 - 1}),
    ("max_pool2d", {"kernel_size": 2 * 10**5, "padding": 10**5}),
    ("max_pool2d", {"kernel_size": (2**21, 1), "padding": (2**20, 0)}),
    ("avg_pool2d", {"kernel_size": 4 * 10**4, "padding": 2 * 10**4}),
    ("avg_pool2d", {"kernel_size": 2**31 - 1}),
]


@pytest.mark.parametrize("backend", ON_NUMPY)
@pytest.mark.parametrize(("name", "options"), HUGE)
def test_absurd_sizes_are_refused_before_memory_is_asked_for(backend, name, options):
    k, arrays = kernel(name, backend), (X, W) if name == "conv2d" else (X,)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"too|exceeds|at most"):
            k.forward(*arrays, **options)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("backend", ON_NUMPY)
def test_saved_values_that_would_reach_out_of_memory_are_refused(backend):
    pool, ce = kernel("max_pool2d", backend), kernel("cross_entropy", backend)
    y, index, *geometry = pool.forward(X, kernel_size=2)
    for wrong in (index - 1, index + 25):
        with pytest.raises(ValueError, match="saved indices"):
            pool.backward(y, wrong, *geometry)
    loss, log_p, _, *rest = ce.forward(np.zeros((3, 4)), np.array([0, 1, 2]))
    for label in (-1, 4, 10**9):
        with pytest.raises(ValueError, match=r"target\[1\]"):
            ce.backward(loss, log_p, np.array([0, label, 2]), *rest)
    y, x, weight, mean, *rest = kernel("batch_norm", backend).forward(X)
    with pytest.raises(ValueError, match="mean: expected shape"):
        kernel("batch_norm", backend).backward(y, x, weight, mean[:2], *rest)
    y, x, _, *rest = kernel("conv2d", backend).forward(X, W)
    with pytest.raises(ValueError, match="w: expected shape"):
        kernel("conv2d", backend).backward(y, x, np.zeros((6, 9, 3, 3)), *rest)

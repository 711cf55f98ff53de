"""Every kernel, backend, version, dtype, example and memory order against the float64 reference."""

import functools
import importlib.util
import types
from inspect import signature

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minires_kernels import kernel, spec, specs, use_backend
from minires_kernels.backends import load
from minires_kernels.cpu.machine import layout
from minires_kernels.cpu.machine.exponential import exponentials
from minires_kernels.spec import documented_versions, versions

SPECS = {name: spec for name, spec in specs().items() if spec.gradients}
ON_NUMPY = ("reference", "cpu", "cuda-sim")
IMPLEMENTATIONS = [
    (name, backend, version.number)
    for name in SPECS
    for backend in ON_NUMPY
    for version in load(backend).KERNELS[name]
]


@functools.cache
def cases(name):
    return SPECS[name].cases(np.random.default_rng(0))


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


def supported(k, arrays, options):
    """Say whether the version of `k` supports the call."""
    arrays, options = k.spec.check_forward(*arrays, **options)
    (version,) = [v for v in k.implementations if v.number == k.version]
    return version.supports(*arrays, **options)


def in_long_loops(k, case):
    """Say whether Python loops would take long; they are the reference, once for each case."""
    loops = (k.spec.name, k.backend, k.version) == ("conv2d", "reference", 1)
    return loops and k.spec.flops(*case.arrays, **case.options) > 20_000


def example(k):
    """Return the first case that the version of `k` supports, and arrays, in float64 if it can."""
    for dtype in ("float64", "float32"):
        for case in cases(k.spec.name):
            if supported(k, case.astype(dtype), case.options):
                return case, case.astype(dtype)
    raise AssertionError("this version supports none of the cases")


@functools.cache
def references(name):
    """Return (case, y, saved values, an upstream gradient, gradients) of each case, in float64."""
    k, rng = kernel(name, "reference", 1), np.random.default_rng(1)
    found = []
    for case in cases(name):
        y, *saved = k.forward(*case.arrays, **case.options)
        dy = np.asarray(rng.standard_normal(y.shape))
        found.append((case, y, saved, dy, as_tuple(k.backward(dy, *saved))))
    return found


def assert_close(got, expected, tolerance, what):
    """The largest error is below `tolerance` times the largest expected value."""
    if expected is None:
        assert got is None, what
        return
    assert got.shape == expected.shape, what
    if expected.size:
        error = np.abs(got.astype(np.float64) - expected).max()
        assert error <= tolerance * np.abs(expected).max(), f"{what}: error {error:.3g}"


# ---- memory orders ------------------------------------------------------------------------------
def channels_last(a):
    return np.ascontiguousarray(np.moveaxis(a, 1, -1)) if a.ndim > 1 else a


def read_only(a):
    b = a.copy()
    b.flags.writeable = False
    return b


ORDERS = {
    "C": lambda a: a,
    "channels last": lambda a: np.moveaxis(channels_last(a), -1, 1) if a.ndim > 1 else a,
    "Fortran": lambda a: a.copy(order="F"),
    "negative strides": lambda a: np.flip(np.flip(a).copy()) if a.ndim else a,
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "read-only": read_only,
}


def reorder(arrays, order):
    return [None if a is None else ORDERS[order](a) for a in arrays]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "backend", "number"), IMPLEMENTATIONS)
def test_against_the_reference(name, backend, number, dtype, thorough):
    """Every case in C order and one of them in every order; if thorough, every case in two more."""
    k = kernel(name, backend, number)
    (version,) = [v for v in k.implementations if v.number == number]
    tolerance = SPECS[name].tolerance[dtype] * version.tolerance
    ran, others = 0, [order for order in ORDERS if order != "C"]
    for case, y0, _, dy0, gradients0 in references(name):
        if not supported(k, case.astype(dtype), case.options) or in_long_loops(k, case):
            continue
        ran += 1
        if thorough:
            orders = [others[ran % len(others)], others[(ran + 1) % len(others)]]
        else:
            orders = ORDERS if ran == 1 else ["C"]
        for order in orders:
            arrays = reorder(case.astype(dtype), order)
            (dy,) = reorder([dy0.astype(dtype)], order)
            y, *saved = k.forward(*arrays, **case.options)
            gradients = as_tuple(k.backward(dy, *saved))
            assert y.dtype == dtype
            assert len(gradients) == len(SPECS[name].gradients)
            assert_close(y, y0, tolerance, f"y of {case.label}, {order}")
            for label, got, expected in zip(SPECS[name].gradients, gradients, gradients0):
                assert_close(got, expected, tolerance, f"{label} of {case.label}, {order}")
                assert got is None or got.dtype == dtype
    single = number == {"conv2d": 4, "conv2d_norm_relu": 2}.get(name) and dtype == "float64"
    assert ran or single, "supports no case"


@pytest.mark.parametrize(("name", "backend", "number"), IMPLEMENTATIONS)
def test_inputs_stay_as_they_are_and_outputs_are_new(name, backend, number, thorough):
    k = kernel(name, backend, number)
    for case in cases(name)[:: 2 if thorough else 12]:
        if not supported(k, case.arrays, case.options) or in_long_loops(k, case):
            continue
        for order in ("C", "channels last"):
            given = reorder(case.arrays, order)
            before = [a.copy() for a in given if a is not None]
            y, *saved = k.forward(*given, **case.options)
            (dy,) = reorder([np.ones(y.shape)], order)
            kept = [a for a in saved if isinstance(a, np.ndarray)]
            kept_before = [a.copy() for a in kept]
            gradients = [g for g in as_tuple(k.backward(dy, *saved)) if g is not None]
            again = [g for g in as_tuple(k.backward(dy, *saved)) if g is not None]
            inputs = [a for a in given if a is not None]
            for a, old in zip([*inputs, *kept], [*before, *kept_before], strict=True):
                np.testing.assert_array_equal(a, old)
            np.testing.assert_array_equal(dy, np.ones(y.shape))
            for g, h in zip(gradients, again, strict=True):
                assert g.tobytes() == h.tobytes(), "a second backward pass differs"
            assert not any(np.shares_memory(y, a) for a in inputs)
            for i, g in enumerate(gradients):
                others = [dy, y, *inputs, *kept, *gradients[:i]]
                assert not any(np.shares_memory(g, a) for a in others), case.label


@pytest.mark.parametrize("backend", ["reference", "cpu", "cuda-sim"])
@pytest.mark.parametrize("name", SPECS)
def test_saved_values_are_interchangeable(name, backend, thorough):
    spec = SPECS[name]
    for case, _, saved0, dy, gradients0 in references(name)[:: 1 if thorough else 6]:
        for _, _, number in [i for i in IMPLEMENTATIONS if i[:2] == (name, backend)]:
            k = kernel(name, backend, number)
            if not supported(k, case.arrays, case.options):
                continue  # (Winograd and TF32, which are float32 only)
            _, *saved = k.forward(*case.arrays, **case.options)
            assert len(saved) == len(saved0)
            crossed = (
                as_tuple(k.backward(dy, *saved0)),
                as_tuple(kernel(name, "reference").backward(dy, *saved)),
            )
            for gradients in crossed:
                for got, expected in zip(gradients, gradients0, strict=True):
                    assert_close(got, expected, spec.tolerance["float64"], case.label)


@pytest.mark.parametrize(("name", "backend", "number"), IMPLEMENTATIONS)
def test_needs_leaves_out_gradients_and_changes_no_other(name, backend, number):
    if len(SPECS[name].gradients) == 1:
        return
    k = kernel(name, backend, number)
    case, arrays = example(k)
    y, *saved = k.forward(*arrays, **case.options)
    dy = np.random.default_rng(2).standard_normal(y.shape).astype(y.dtype)
    whole = k.backward(dy, *saved)
    for i, (wanted,) in enumerate(k.spec.gradients.values()):
        part = k.backward(dy, *saved, needs=tuple(n == wanted for n in k.spec.inputs))
        assert [g is not None for g in part] == [j == i for j in range(len(whole))]
        np.testing.assert_array_equal(part[i], whole[i])
    with pytest.raises(ValueError, match=f"{name}: needs: expected .* for each of x, w"):
        k.backward(dy, *saved, needs=(True,) * len(arrays) + (False,))


@pytest.mark.parametrize(("name", "backend", "number"), IMPLEMENTATIONS)
def test_backward_takes_what_forward_saved_by_name(name, backend, number):
    (version,) = [v for v in load(backend).KERNELS[name] if v.number == number]
    needs = ["needs"] if len(SPECS[name].gradients) > 1 else []
    parameters = [
        p for p in signature(version.backward).parameters if p not in ("device", "version")
    ]
    onto = ["onto"] if version.adds else []
    assert parameters == ["dy", *SPECS[name].saved._fields, *needs, *onto]


def some_needs(spec):
    return st.tuples(*[st.booleans() for _ in spec.inputs])


@pytest.mark.parametrize("backend", ON_NUMPY)
@settings(max_examples=2 * settings.default.max_examples, derandomize=True)
@given(data=st.data())
def test_gradients_are_new_where_the_spec_says_so(backend, data):
    """Nobody else refers to them: the engine may add to them in place."""
    name = data.draw(st.sampled_from([n for n, s in SPECS.items() if s.new_gradients]))
    number = data.draw(st.sampled_from([v.number for v in load(backend).KERNELS[name]]))
    k, dtype = kernel(name, backend, number), data.draw(st.sampled_from(["float32", "float64"]))
    case, order = data.draw(st.sampled_from(cases(name))), data.draw(st.sampled_from(list(ORDERS)))
    arrays = reorder(case.astype(dtype), order)
    if not supported(k, arrays, case.options) or in_long_loops(k, case):
        return
    y, *saved = k.forward(*arrays, **case.options)
    (dy,) = reorder([np.ones(y.shape, dtype)], order)
    found = as_tuple(k.backward(dy, *saved, needs=data.draw(some_needs(SPECS[name]))))
    found = [g for g in found if g is not None]
    for i, g in enumerate(found):
        assert g.flags.writeable
        others = [dy, y, *arrays, *saved, *found[:i]]
        assert not any(np.shares_memory(g, a) for a in others if isinstance(a, np.ndarray))


@pytest.mark.parametrize("dtype", ["float16", "longdouble"])
@pytest.mark.parametrize("name", SPECS)
def test_other_float_types_run_on_the_reference_and_are_refused_by_cpu(name, dtype):
    case, y0, *_ = references(name)[0]
    y, *saved = kernel(name, "reference").forward(*case.astype(dtype), **case.options)
    assert y.dtype == dtype
    assert_close(y, y0, 2e-2 if dtype == "float16" else 1e-12, name)
    for g in as_tuple(kernel(name, "reference").backward(np.ones_like(y), *saved)):
        assert g.dtype == dtype
    with pytest.raises(TypeError, match="reference backend"):
        kernel(name, "cpu").forward(*case.astype(dtype), **case.options)


def test_cpu_keeps_channels_last_memory():
    """A chain of kernels never copies images into another order."""
    x = ORDERS["channels last"](np.random.default_rng(0).standard_normal((2, 3, 6, 4)))
    w = np.random.default_rng(1).standard_normal((3, 3, 3, 3))
    calls = {
        "conv2d": ((x, w), {"padding": 1}),
        "batch_norm": ((x,), {}),
        "relu": ((x,), {}),
        "gated": ((x,), {"gate": "tanh"}),
        "group_norm": ((x,), {"groups": 1}),
        "add_relu": ((x, x), {}),
        "max_pool2d": ((x,), {"kernel_size": 2}),
        "avg_pool2d": ((x,), {"kernel_size": 2}),
    }
    for name, (arrays, options) in calls.items():
        y, *saved = kernel(name, "cpu").forward(*arrays, **options)
        dx = as_tuple(kernel(name, "cpu").backward(np.ones_like(y), *saved))[0]
        for a in (y, dx):
            assert np.shares_memory(layout.to_nhwc(a), a), name


# ---- promises of single kernels -----------------------------------------------------------------
@pytest.mark.parametrize("backend", ON_NUMPY)
@pytest.mark.parametrize(("offset", "spread"), [(1e4, 1.0), (-3e6, 10.0), (0.0, 1e-3)])
def test_batch_norm_survives_a_large_mean(backend, offset, spread):
    """float32 sums of squares would lose the variance altogether."""
    rng = np.random.default_rng(3)
    x = (offset + spread * rng.standard_normal((64, 5, 4, 4))).astype(np.float32)
    exact = x.astype(np.float64)
    _, _, _, mean, var, *_ = kernel("batch_norm", backend).forward(x)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-6, atol=1e-6 * spread)
    # the reference subtracts a float32 mean: off by eps * offset at most, squared
    slack = (np.finfo(np.float32).eps * abs(offset)) ** 2
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3)), rtol=1e-5, atol=2 * slack)


@pytest.mark.parametrize("outlier", [100.0, 1e4, -1e4])
def test_batch_norm_survives_an_outlier_in_the_first_pixel(outlier):
    rng = np.random.default_rng(3)
    x = rng.standard_normal((16, 3, 64, 64)).astype(np.float32)
    x[0, :, 0, 0] = outlier
    _, _, _, _, var, *_ = kernel("batch_norm", "cpu").forward(x)
    np.testing.assert_allclose(var, x.astype(np.float64).var(axis=(0, 2, 3)), rtol=2e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", ON_NUMPY)
def test_max_pool_ties_and_nan(backend, dtype):
    """In each of 19 channels: whole registers, and the rest of them."""
    pool = kernel("max_pool2d", backend)
    x = np.zeros((1, 19, 3, 3), dtype)
    y, index, *_ = pool.forward(x, kernel_size=3)
    assert not y.any()
    assert not index.any()
    x[0, :, 1, 2] = x[0, :, 2, 0] = np.nan
    y, index, *saved = pool.forward(x, kernel_size=3)
    assert np.isnan(y).all()
    assert (index == 5).all()
    dx = pool.backward(np.full_like(y, np.inf), index, *saved)
    assert (dx == np.where(np.arange(9) == 5, np.inf, 0).reshape(3, 3)).all()
    lowest = np.full((1, 19, 2, 2), -np.inf, dtype)
    y, index, *_ = pool.forward(lowest, kernel_size=2, padding=1)
    assert (y == -np.inf).all()
    assert (index == np.arange(4).reshape(2, 2)).all()


def test_max_pool_winners_of_one_backend_serve_another():
    """Whatever type of integer they are."""
    x = np.random.default_rng(0).standard_normal((1, 2, 6, 4), dtype=np.float32)
    found = []
    for backend in ON_NUMPY:
        y, *saved = kernel("max_pool2d", backend).forward(x, kernel_size=2)
        found += [kernel("max_pool2d", other).backward(y, *saved) for other in ON_NUMPY]
    assert len({dx.tobytes() for dx in found}) == 1


@pytest.mark.parametrize("backend", ON_NUMPY)
def test_relu_and_add_relu_pass_nan_on(backend):
    x = np.array([np.nan, -1.0, 0.0, np.inf, -np.inf])
    expected = [np.nan, 0.0, 0.0, np.inf, 0.0]
    np.testing.assert_array_equal(kernel("relu", backend).forward(x)[0], expected)
    np.testing.assert_array_equal(
        kernel("add_relu", backend).forward(x, 0 * x[[1] * 5])[0], expected
    )


@pytest.mark.parametrize("backend", ON_NUMPY)
def test_cross_entropy_is_finite_for_extreme_logits(backend):
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], np.float32)
    loss, *saved = kernel("cross_entropy", backend).forward(logits, np.array([1, 0]))
    np.testing.assert_allclose(loss, [2e4, np.log(3)], rtol=1e-6)
    dlogits = kernel("cross_entropy", backend).backward(np.ones(2, np.float32), *saved)
    np.testing.assert_allclose(dlogits, [[1, -1, 0], [-2 / 3, 1 / 3, 1 / 3]], rtol=1e-3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bad", [np.nan, -np.nan], ids=["nan", "-nan"])
@pytest.mark.parametrize("backend", ON_NUMPY)
def test_cross_entropy_makes_rows_with_nan_nan(backend, bad, dtype):
    logits = np.random.default_rng(0).standard_normal((3, 20)).astype(dtype)
    logits[1, 7] = bad
    loss, *saved = kernel("cross_entropy", backend).forward(logits, np.array([1, 2, 3]))
    dlogits = kernel("cross_entropy", backend).backward(np.ones(3, dtype), *saved)
    bad_rows = np.array([False, True, False])
    assert np.array_equal(np.isnan(loss), bad_rows)
    assert np.array_equal(np.isnan(dlogits), np.repeat(bad_rows[:, None], 20, axis=1))


def test_exponentials_of_float32_to_one_unit_in_the_last_place():
    x = np.concatenate([np.linspace(-87.3, 0, 50_001), [-88.0, -1e38, -np.inf, -0.0, np.nan]])
    x = x.astype(np.float32)
    y, exact = np.empty_like(x), np.exp(x.astype(np.float64))
    exponentials(x, y)
    error = np.abs(y - exact)[:-5] / np.spacing(exact[:-5].astype(np.float32))
    assert error.max() <= 1.1
    np.testing.assert_array_equal(y[-5:], [0, 0, 0, 1, np.nan])


@pytest.mark.parametrize("backend", ON_NUMPY)
def test_cross_entropy_names_the_wrong_label(backend):
    with pytest.raises(ValueError, match=r"target\[2\] is 7, .* classes 0 to 3"):
        kernel("cross_entropy", backend).forward(np.zeros((3, 4)), np.array([0, 3, 7]))


# ---- specifications, versions, selection --------------------------------------------------------
@pytest.mark.parametrize("name", specs())
def test_every_spec_is_complete(name):
    spec = specs()[name]
    assert spec.name == name
    assert spec.formula
    for case in spec.cases(np.random.default_rng(0)):
        if len(case.arrays[0]) if isinstance(case.arrays[0], list) else case.arrays[0].size:
            assert spec.flops(*case.arrays, **case.options) > 0
            assert spec.bytes(*case.arrays, **case.options) > 0
    labels = [case.label for case in spec.cases(np.random.default_rng(0))]
    assert len(set(labels)) == len(labels)
    inputs = set(spec.inputs)
    assert set(spec.writes) <= inputs
    assert bool(spec.gradients) == (spec.saved is not None)
    wanted = [i for of in spec.gradients.values() for i in of]
    assert set(wanted) <= inputs
    assert len(set(wanted)) == len(wanted), "an input has two gradients"
    if spec.new_gradients:
        assert len(wanted) == len(spec.gradients), "two inputs share an array"


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("name", specs())
def test_the_header_lists_the_versions(name, backend):
    module = importlib.import_module(f"minires_kernels.{backend}.{name}")
    registered = {v.number: v.idea for v in load(backend).KERNELS[name]}
    assert documented_versions(module.__doc__) == registered
    for number in registered:
        assert hasattr(module, f"{name}_forward_v{number}")
        assert hasattr(module, f"{name}_backward_v{number}") or name not in SPECS


@pytest.mark.parametrize("name", specs())
def test_a_kernel_has_the_same_name_in_every_room(name):
    for room in ("reference", "cpu", "cuda"):
        assert importlib.util.find_spec(f"minires_kernels.{room}.{name}"), room


def test_versions_refuses_a_header_that_differs():
    with pytest.raises(ValueError, match=r"versions 1\.\.2, its header describes \[1\]"):
        versions("Versions\n    v1  the idea", (len, len), (len, len))


def test_a_stripped_header_leaves_versions_without_words(monkeypatch):
    with pytest.raises(ValueError, match="its header describes"):
        versions(None, (len, len))
    monkeypatch.setattr(spec, "sys", types.SimpleNamespace(flags=types.SimpleNamespace(optimize=2)))
    assert [v.idea for v in versions(None, (len, len), (len, len))] == ["", ""]


def test_unknown_names_are_refused():
    for arguments in [("conv3d",), ("relu", "gpu"), ("relu", "cpu", 9)]:
        with pytest.raises(ValueError, match=r"conv2d|reference|versions 1"):
            kernel(*arguments)
    with pytest.raises(ValueError, match="expected one of reference, cpu"):
        use_backend("gpu")


def test_use_backend_restores_the_one_before():
    before = kernel("relu").backend
    with use_backend("reference"):
        assert kernel("relu").backend == "reference"
    assert kernel("relu").backend == before

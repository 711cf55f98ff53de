"""The kernels without a backward pass: sums of gradients, SGD, running statistics."""

import copy
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minires_kernels import kernel, specs, use_backend
from minires_kernels.backends import kernel_for, load

SPECS = {name: spec for name, spec in specs().items() if not spec.gradients}
ON_NUMPY = ("reference", "cpu", "cuda-sim")
IMPLEMENTATIONS = [
    (name, backend, version.number)
    for name in SPECS
    for backend in ON_NUMPY
    for version in load(backend).KERNELS[name]
]
ORDERS = {
    "C": lambda a: a,
    "Fortran": lambda a: a.copy(order="F"),
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
}


def mapped(change, a):
    if isinstance(a, list):
        return [mapped(change, part) for part in a]
    return change(a) if isinstance(a, np.ndarray) else a


def flattened(values):
    parts = [part for a in values for part in (a if isinstance(a, list) else [a])]
    return [a for a in parts if isinstance(a, np.ndarray)]


def test_there_are_three():
    assert set(SPECS) == {"add", "sgd", "running_statistics"}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize(("name", "backend", "number"), IMPLEMENTATIONS)
def test_against_the_reference(name, backend, number, dtype, order):
    """Every result, and every array that may be written; all others stay as they are."""
    spec = SPECS[name]
    tolerance = spec.tolerance.get(dtype, 4e-3)
    for case in spec.cases(np.random.default_rng(0)):
        exact = copy.deepcopy(case.arrays)
        arrays = [mapped(ORDERS[order], copy.deepcopy(a)) for a in case.astype(dtype)]
        before = copy.deepcopy(arrays)
        expected = kernel(name, "reference", 1).forward(*exact, **case.options)
        results = kernel(name, backend, number).forward(*arrays, **case.options)
        compared = [*zip(results, expected, strict=True)]
        for n, a, old, new in zip(spec.inputs, arrays, before, exact, strict=True):
            if n not in spec.writes or case.options.get("owned") is False:
                for x, y in zip(flattened([a]), flattened([old]), strict=True):
                    np.testing.assert_array_equal(x, y, err_msg=f"{n} of {case.label}")
            elif name != "add":
                compared += zip(flattened([a]), flattened([new]), strict=True)
        for x, y in compared:
            assert isinstance(x, np.ndarray)
            assert x.dtype == dtype
            error = np.abs(x.astype(np.float64) - y).max(initial=0)
            assert error <= tolerance * max(1, np.abs(y).max(initial=0)), case.label


@pytest.mark.parametrize("backend", ON_NUMPY)
@settings(derandomize=True)
@given(
    shape=st.sampled_from([(), (3,), (0, 2), (5, 7), (2, 33, 9, 11), (100, 60)]),
    order=st.sampled_from(list(ORDERS)),
    owned=st.booleans(),
)
def test_a_sum_is_made_in_place_only_when_owned(backend, shape, order, owned):
    a, b = (np.asarray(np.random.default_rng(i).standard_normal(shape)) for i in range(2))
    a, b = ORDERS[order](a), ORDERS[order](b)
    total, kept, other = np.asarray(a + b), a.copy(), b.copy()
    (y,) = kernel("add", backend).forward(a, b, owned=owned)
    assert isinstance(y, np.ndarray)
    np.testing.assert_array_equal(y, total)
    np.testing.assert_array_equal(b, other)
    assert not np.shares_memory(y, b)
    if not owned:
        assert not np.shares_memory(y, a)
        np.testing.assert_array_equal(a, kept)


@pytest.mark.parametrize("backend", ["cpu", "cuda-sim"])
def test_a_large_owned_sum_takes_no_new_memory(backend):
    a = np.ones(10_000, np.float32)
    (y,) = kernel("add", backend).forward(a, a.copy(), owned=True)
    assert np.shares_memory(y, a)


@pytest.mark.parametrize("backend", ON_NUMPY)
def test_a_step_with_many_parameters_is_that_of_each(backend):
    """In three launches on a GPU; bit for bit."""
    for case in SPECS["sgd"].cases(np.random.default_rng(0)):
        together, alone = copy.deepcopy(case.arrays), copy.deepcopy(case.arrays)
        k = kernel("sgd", backend)
        k.forward(*together)
        for move in zip(*alone[:4], strict=True):
            k.forward(*([part] for part in move), alone[4])
        for a, b in zip(flattened(together), flattened(alone), strict=True):
            assert a.tobytes() == b.tobytes(), case.label


P = np.ones((2, 3))
REFUSED = [
    ("add", (P, P[:1]), {}, ValueError, r"b: expected shape \(2, 3\)"),
    ("add", (P, P.astype("f")), {}, TypeError, "a is float64 but b is float32"),
    ("add", (P, P), {"owned": 1}, TypeError, "owned: expected True or False"),
    ("sgd", ([P], [P[:1]], [None], [False], np.zeros(5)), {}, ValueError,
     r"SGD: a parameter is float64 of shape \(2, 3\), its gradient float64 of shape \(1, 3\)"),
    ("sgd", ([P], [P], [P.astype("f")], [False], np.zeros(5)), {}, ValueError, "its velocity"),
    ("sgd", ([P], [P], [None], [False], np.zeros(5, "f")), {}, TypeError, "options is float32"),
    ("sgd", ([P], [P], [None], [False], P[0]), {}, ValueError, r"options: expected .*\(5,\)"),
    ("sgd", ([P], [], [None], [False], np.zeros(5)), {}, ValueError, "1 parameters, 0 gradients"),
    ("sgd", ([P], [None], [None], [False], np.zeros(5)), {}, TypeError, "gradient: expected"),
    ("running_statistics", (P[0], P[0], P[1], P[0, :1]), {"count": 2, "momentum": 0},
     ValueError, r"running_mean is float64 of shape \(3,\), var is float64 of shape \(1,\)"),
    ("running_statistics", (P[0],) * 4, {"count": 1, "momentum": 0},
     ValueError, "count: expected at least 2"),
]  # fmt: skip


@pytest.mark.parametrize("backend", ON_NUMPY)
@pytest.mark.parametrize(("name", "arrays", "options", "error", "message"), REFUSED)
def test_what_does_not_fit_is_refused(backend, name, arrays, options, error, message):
    with pytest.raises(error, match=message):
        kernel(name, backend).forward(*arrays, **options)
    assert (P == 1).all()


def test_numpys_arrays_are_summed_while_cuda_is_in_use(monkeypatch):
    from minires_kernels import backends

    monkeypatch.setattr(backends, "current_backend", lambda: "cuda")
    assert kernel_for("add", P).forward(P, P)[0].tolist() == (2 * P).tolist()
    with pytest.raises(TypeError, match="a NumPy array came"):
        kernel_for("relu", P)


def test_few_elements_do_not_load_numba():
    """The first gradients of a newcomer should not wait for a compiler."""
    code = """
import sys
import numpy as np
from minires_kernels.backends import kernel_for
a = np.ones((30, 30))
assert kernel_for("add", a).forward(a, a)[0].sum() == 1800
kernel_for("sgd", a).forward([a], [a.copy()], [None], [False], np.zeros(5))
assert "numba" not in sys.modules
many = np.ones((100, 100))
assert kernel_for("add", many).forward(many, many)[0].sum() == 20000
assert "numba" in sys.modules
assert kernel_for("add", a).backend == "cpu"
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_the_backend_in_use_runs_them():
    for backend in ON_NUMPY:
        with use_backend(backend):
            load("cpu")
            assert kernel_for("sgd", P).backend == backend

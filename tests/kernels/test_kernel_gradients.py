"""The gradients that define every kernel, along random directions: each in a few milliseconds.

`minires gradcheck` compares element by element; here one number for each input decides: ⟨dx, u⟩ is
the derivative of ⟨y(x + h u), v⟩ at h = 0, by four evaluations of forward.
"""

import numpy as np
import pytest

from minires_kernels import kernel, specs
from minires_kernels.backends import load

MOST_FLOPS = 6_000  # of one forward pass, in Python loops
KERNELS = [
    (name, version.number)
    for name, spec in specs().items()
    if spec.gradients
    for version in load("reference").KERNELS[name]
]


def derivative(f, h):
    """Return f'(0), but for h⁴."""
    return (8 * (f(h) - f(-h)) - f(2 * h) + f(-2 * h)) / (12 * h)


def usable(k):
    """Yield (label, arrays, options) of the cases with a derivative that take little time."""
    (version,) = [v for v in k.implementations if v.number == k.version]
    for case in k.spec.cases(np.random.default_rng(0)):
        arrays, options = case.astype("float64"), case.options
        slow = k.version == 1 and k.spec.flops(*arrays, **options) > MOST_FLOPS
        checked, complete = k.spec.check_forward(*arrays, **options)
        if not case.at_kinks and not slow and version.supports(*checked, **complete):
            yield case.label, arrays, options


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


@pytest.mark.parametrize(("name", "number"), KERNELS)
def test_gradients_along_random_directions(name, number):
    k, rng, checked = kernel(name, "reference", number), np.random.default_rng(3), set()
    for label, arrays, options in usable(k):
        y, *saved = k.forward(*arrays, **options)
        v = np.asarray(rng.standard_normal(y.shape))
        gradients = as_tuple(k.backward(v, *saved))
        for group, g in zip(k.spec.gradients.values(), gradients, strict=True):
            for argument in group:
                i = list(k.spec.inputs).index(argument)
                x = arrays[i] if i < len(arrays) else None
                if x is None or not x.size:
                    continue
                assert g.shape == x.shape
                u = rng.uniform(-1, 1, x.shape)

                def along(h, i=i, u=u, arrays=arrays, options=options, v=v):
                    there = [*arrays[:i], np.asarray(arrays[i] + h * u), *arrays[i + 1 :]]
                    return float(np.sum(v * k.forward(*there, **options)[0]))

                right = [derivative(along, h) for h in (1e-3, 1e-4, 1e-5)]  # kinks may lie near
                error = min(abs(float(np.sum(g * u)) - r) for r in right)
                size = np.linalg.norm(g) * np.linalg.norm(u)
                assert error <= 1e-8 * size, f"{label}: the gradient of {argument}"
                checked.add(argument)
    assert checked >= {n for group in k.spec.gradients.values() for n in group}


@pytest.mark.parametrize(("name", "number"), KERNELS)
def test_what_is_not_needed_is_left_out(name, number):
    """Each gradient alone is the one that all together give, and the others are None."""
    k, rng = kernel(name, "reference", number), np.random.default_rng(4)
    if len(k.spec.gradients) == 1:
        return
    for label, arrays, options in usable(k):
        y, *saved = k.forward(*arrays, **options)
        v = np.asarray(rng.standard_normal(y.shape))
        gradients = k.backward(v, *saved)
        for j, group in enumerate(k.spec.gradients.values()):
            needs = tuple(n in group for n in k.spec.inputs)
            alone = k.backward(v, *saved, needs=needs)
            for i, (a, g) in enumerate(zip(alone, gradients, strict=True)):
                assert (a is None) == (i != j or g is None), label
                assert a is None or np.array_equal(a, g), label


@pytest.mark.parametrize(("name", "number"), KERNELS)
def test_gradients_keep_the_dtype_and_share_no_memory(name, number):
    k, rng = kernel(name, "reference", number), np.random.default_rng(5)
    for label, arrays, options in usable(k):
        low = [a if a is None or a.dtype.kind != "f" else a.astype(np.float32) for a in arrays]
        y, *saved = k.forward(*low, **options)
        v = np.asarray(rng.standard_normal(y.shape)).astype(np.float32)
        before = v.copy()
        gradients = [g for g in as_tuple(k.backward(v, *saved)) if g is not None]
        assert all(g.dtype == np.float32 for g in gradients), label
        assert np.array_equal(v, before), label
        given = [v, *(a for a in low if a is not None)]
        assert not any(np.shares_memory(g, a) for g in gradients for a in given), label


@pytest.mark.parametrize("gate", ["logistic", "normal"])
def test_a_gate_that_no_longer_moves_passes_all_or_nothing(gate):
    k, far = kernel("gated", "reference"), np.array([-np.inf, np.inf])
    assert np.array_equal(k.backward(np.ones(2), far, gate), [0, 1])


def test_an_ignored_row_of_one_class():
    k = kernel("cross_entropy", "reference")
    _, *saved = k.forward(np.ones((2, 1)), np.array([0, -100]), ignore_index=-100)
    assert np.array_equal(k.backward(np.ones(2), *saved), [[0], [0]])

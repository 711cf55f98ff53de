"""A call of the signature of an earlier one is not checked again; any other is."""

import dataclasses

import numpy as np
import pytest

from minires_kernels import backends, checks, kernel, specs

RNG = np.random.default_rng(0)
X, W = RNG.standard_normal((2, 3, 6, 6)), RNG.standard_normal((4, 3, 3, 3))
ONES = {"stride": 1, "padding": 1, "dilation": 1, "groups": 1}


def counted(name):
    """Return a kernel that remembers nothing yet, and the list of the calls that it checks."""
    checked = []
    spec = specs()[name]

    def spy(check):
        return lambda *a, **options: (checked.append(check), check(*a, **options))[1]

    own = dataclasses.replace(
        spec, check_forward=spy(spec.check_forward), check_backward=spy(spec.check_backward)
    )
    return dataclasses.replace(
        kernel(name, "reference"), spec=own, _forward={}, _backward={}
    ), checked


def outcome(f, *arguments, **options):
    try:
        f(*arguments, **options)
    except (TypeError, ValueError) as error:
        return type(error), str(error)
    return None


def test_each_signature_is_checked_once_and_forward_and_backward_give_the_same_again():
    k, checked = counted("conv2d")
    y, *saved = k.forward(X, W, **ONES)
    dx, dw, _ = k.backward(y, *saved)
    assert len(checked) == 2
    again, *saved = k.forward(X.copy(), W, **ONES)
    np.testing.assert_array_equal(again, y)
    for a, b in zip((dx, dw), k.backward(y, *saved), strict=False):
        np.testing.assert_array_equal(a, b)
    assert len(checked) == 2
    k.forward(X[:1], W, **ONES)
    assert len(checked) == 3
    with pytest.raises(ValueError, match="dy: expected shape"):
        k.backward(y[:1], *saved)


@pytest.mark.parametrize("name", ONES)
@pytest.mark.parametrize(
    "wrong", [True, np.True_, 1.0, np.float64(1), "1", (1, True), (1.0, 1)], ids=repr
)
def test_what_equals_a_right_option_and_is_wrong_is_refused_after_it(name, wrong):
    k, _ = counted("conv2d")
    for right in (1, (1, 1)) if name != "groups" else (1,):
        k.forward(X, W, **ONES | {name: right})
    with pytest.raises(TypeError, match=rf"{name}: expected an integer"):
        k.forward(X, W, **ONES | {name: wrong})


@pytest.mark.parametrize(
    "other", [np.int64(1), np.uint8(1), (1, 1), [1, 1], (np.int32(1), 1)], ids=repr
)
def test_numbers_of_other_types_stay_right_after_a_call_with_plain_ones(other):
    k, _ = counted("conv2d")
    y, *_ = k.forward(X, W, **ONES)
    np.testing.assert_array_equal(k.forward(X, W, **ONES | {"stride": other})[0], y)


def test_zeros_of_either_sign_are_two_options():
    k, checked = counted("batch_norm")
    for eps in (0.0, -0.0, 0.0):
        assert str(k.forward(X, eps=eps)[-2]) == str(eps)
    assert len(checked) == 2


class Own(np.ndarray):
    """A subclass, which is taken as what it is a view of."""


def variations(a):
    """What may come in place of an array: some are right, most are wrong."""
    yield from (None, 3, "x", a.tolist(), a.astype(np.float32), a.astype(np.int8))
    yield from (a.astype(a.dtype.newbyteorder()), a[None], np.ma.masked_array(a), a.view(Own))
    if a.ndim:
        yield from (a[:-1], a[::-1], np.concatenate([a, a]), a[..., :0])


@pytest.mark.parametrize("name", sorted(set(specs()) - {"sgd"}))
def test_every_wrong_call_gives_the_same_error_after_right_ones(name):
    for case in specs()[name].cases(np.random.default_rng(1)):
        k, _ = counted(name)
        arrays = tuple(None if a is None else np.array(a) for a in case.arrays)
        k.forward(*arrays, **case.options)
        for i, a in enumerate(arrays):
            if a is None:
                continue
            for other in variations(a):
                given = tuple(np.array(b) if type(b) is np.ndarray else b for b in arrays)
                given = (*given[:i], other, *given[i + 1 :])
                fresh = dataclasses.replace(k, _forward={}, _backward={})
                expected = outcome(fresh.forward, *given, **case.options)
                assert outcome(k.forward, *given, **case.options) == expected, (case.label, i)


@pytest.mark.parametrize("value", [np.nan, -np.inf, np.inf])
@pytest.mark.parametrize("name", sorted(set(specs()) - {"sgd"}))
def test_a_check_reads_no_numbers_but_those_that_its_specification_names(name, value):
    spec = specs()[name]

    def filled(names, given, read):
        for a_name, a in zip(names, given, strict=True):
            if type(a) is np.ndarray and a_name not in read:
                bound = np.iinfo(a.dtype) if a.dtype.kind in "iu" else None
                a = np.full_like(
                    a, value if bound is None else bound.max if value > 0 else bound.min
                )
            yield a

    for case in spec.cases(np.random.default_rng(1)):
        spec.check_forward(*filled(spec.inputs, case.arrays, spec.values), **case.options)
        if spec.gradients:
            y, *saved = kernel(name, "reference").forward(*case.arrays, **case.options)
            spec.check_backward(
                np.asarray(y), *filled(spec.saved._fields, saved, spec.saved_values)
            )


def test_numbers_that_a_check_reads_are_read_each_time():
    logits, labels = RNG.standard_normal((4, 3)), np.array([0, 1, 2, 0])
    k, _ = counted("cross_entropy")
    loss, *saved = k.forward(logits, labels)
    k.backward(loss, *saved)
    with pytest.raises(ValueError, match=r"target\[3\] is 9"):
        k.forward(logits, np.array([0, 1, 2, 9]))
    saved[1] = np.array([0, 1, 2, 9])
    with pytest.raises(ValueError, match=r"target\[3\] is 9"):
        k.backward(loss, *saved)
    k, _ = counted("max_pool2d")
    y, winner, *rest = k.forward(X, kernel_size=2)
    k.backward(y, winner, *rest)
    with pytest.raises(ValueError, match="saved indices"):
        k.backward(y, winner + 36, *rest)
    for name, arrays in {
        "batch_norm": (X,),
        "batch_norm_relu": (X,),
        "conv2d_norm_relu": (X, RNG.standard_normal((3, 3, 3, 3))),
        "linear_norm_relu": (X[:, :, 0, 0], RNG.standard_normal((3, 3))),
    }.items():
        k, _ = counted(name)
        for var in (np.ones(3), np.zeros(3)):
            k.forward(*arrays, None, None, np.zeros(3), var)
        with pytest.raises(ValueError, match="a variance is negative"):
            k.forward(*arrays, None, None, np.zeros(3), np.array([1.0, -1.0, 1.0]))


def test_only_so_many_signatures_are_remembered(monkeypatch):
    monkeypatch.setattr(checks, "MOST", 5)
    k, checked = counted("relu")
    for n in range(1, 20):
        y, *saved = k.forward(X.reshape(-1)[:n])
        k.backward(y, *saved)
        assert 1 <= len(k._forward) <= 5
        assert 1 <= len(k._backward) <= 5
    k.forward(X.reshape(-1)[:19])
    assert len(checked) == 2 * 19


def test_a_version_that_is_offered_at_times_is_asked_for_each_time():
    k, checked = counted("relu")
    offered = dataclasses.replace(k.implementations[-1], offered=lambda: True)
    k = dataclasses.replace(k, implementations=(offered,))
    k.forward(X)
    k.forward(X)
    assert len(checked) == 2


def test_a_kernel_in_use_remembers():
    k = backends.kernel_for("relu", X)
    shape = (3, 5, 7)
    k.forward(np.ones(shape))
    assert any(shape in key for key in k._forward)

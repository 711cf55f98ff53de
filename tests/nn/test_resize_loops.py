"""Resizing in compiled loops: the same bits as in NumPy, whatever the memory and the threads."""

import numpy as np
import pytest

from minires import Tensor, get_num_threads, set_num_threads, use_backend
from minires import functional as F
from minires.functional import resize, resize_loops

WAYS = [("nearest", None), ("bilinear", False), ("bilinear", True)]


def run(x, size, mode, corners):
    """Return y and dx for dy = cos of y, which has both signs."""
    t = Tensor(x, requires_grad=True)
    y = F.interpolate(t, size, mode=mode, align_corners=corners)
    y.backward(np.cos(3 * y.data))
    return y.data, t.grad


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("mode", "corners"), WAYS)
def test_the_loops_give_what_numpy_gives(mode, corners, dtype, monkeypatch):
    calls = []
    for name in ("resized", "gradient"):
        loop = getattr(resize_loops, name)
        monkeypatch.setattr(resize_loops, name, lambda *a, f=loop: calls.append(f) or f(*a))
    x = np.random.default_rng(0).standard_normal((2, 19, 4, 6)).astype(dtype)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    for images in (x, last, x[:0]):
        for size in ((9, 7), (3, 4), (1, 13), (4, 6)):
            with use_backend("cpu"):
                y, dx = run(images, size, mode, corners)
            with use_backend("reference"):
                expected, gradient = run(images, size, mode, corners)
            assert np.array_equal(y, expected)
            assert y.dtype == dx.dtype == dtype
            rounding = 20 * np.finfo(dtype).eps
            np.testing.assert_allclose(dx, gradient, rtol=rounding, atol=rounding)
    assert len(calls) == 3 * 4 * 2


@pytest.mark.parametrize(("mode", "corners"), WAYS)
def test_bits_do_not_depend_on_threads(mode, corners):
    x = np.random.default_rng(0).standard_normal((5, 8, 20, 20), dtype=np.float32)
    before, found = get_num_threads(), set()
    try:
        with use_backend("cpu"):
            for threads in (1, 3):
                set_num_threads(threads)
                found.add(b"".join(a.tobytes() for a in run(x, (70, 64), mode, corners)))
    finally:
        set_num_threads(before)
    assert len(found) == 1


def test_other_types_stay_with_numpy():
    assert not resize._in_loops(np.zeros((1, 1, 2, 2), np.float16))
    with use_backend("reference"):
        assert not resize._in_loops(np.zeros((1, 1, 2, 2), np.float32))

"""Threads: the same bits for any number of them, two callers at once, and processes that fork."""

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires_kernels import kernel
from minires_kernels.backends import load
from minires_kernels.cpu import threads

IMPLEMENTATIONS = [(n, v.number) for n, versions in load("cpu").KERNELS.items() for v in versions]


@pytest.fixture(autouse=True)
def _restore_threads(monkeypatch):
    monkeypatch.setattr(threads, "_threads", threads._threads)
    monkeypatch.setattr(threads, "_pool", None)


def large_call(name):
    """Return arrays and options that make several chunks of work."""
    rng = np.random.default_rng(0)

    def normal(*shape):
        return rng.standard_normal(shape, dtype=np.float32)

    x = normal(96, 12, 9, 11)
    return {
        "conv2d": ((x, normal(8, 12, 3, 3), normal(8)), {"padding": 1}),
        "linear": ((normal(500, 70), normal(90, 70), normal(90)), {}),
        "batch_norm": ((x, normal(12), normal(12)), {}),
        "relu": ((x,), {}),
        "add_relu": ((x, x[::-1].copy()), {}),
        "max_pool2d": ((x,), {"kernel_size": 3, "stride": 2, "padding": 1}),
        "avg_pool2d": ((x,), {"kernel_size": 3, "stride": 2, "padding": 1}),
        "global_avg_pool2d": ((x,), {}),
        "cross_entropy": ((normal(5000, 10), rng.integers(0, 10, 5000)), {}),
    }[name]


def results(name, number):
    """Run forward and backward; return every array that comes out."""
    arrays, options = large_call(name)
    k = kernel(name, "cpu", number)
    y, *saved = k.forward(*arrays, **options)
    dy = np.random.default_rng(1).standard_normal(y.shape, dtype=np.float32)
    gradients = k.backward(dy, *saved)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    return [a for a in (y, *saved, *gradients) if isinstance(a, np.ndarray)]


@pytest.mark.parametrize(("name", "number"), IMPLEMENTATIONS)
def test_any_number_of_threads_gives_the_same_bits(name, number):
    threads.set_num_threads(1)
    expected = results(name, number)
    for n in (2, 3):
        threads.set_num_threads(n)
        for a, b in zip(results(name, number), expected, strict=True):
            assert a.tobytes() == b.tobytes()
        if (name, number) != ("linear", 2):  # which leaves its threads to the BLAS library
            assert threads._pool is not None, "the call was too small to be shared"


def test_two_python_threads_at_once():
    calls = [(name, number) for name, number in IMPLEMENTATIONS if name != "linear"]
    expected = {call: [a.tobytes() for a in results(*call)] for call in calls}
    threads.set_num_threads(3)
    with ThreadPoolExecutor(2) as callers:
        jobs = [(c, callers.submit(results, *c)) for _ in range(5) for c in calls]
        for call, job in jobs:
            assert [a.tobytes() for a in job.result(timeout=60)] == expected[call]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_computes():
    """The parent's threads are not in the child, which must not wait for them."""
    code = """
import os, warnings
import numpy as np
from minires_kernels import kernel
from minires_kernels.cpu import threads
warnings.simplefilter("ignore")  # Python's own, on forking with threads
threads.set_num_threads(2)
x = np.arange(-200_000.0, 200_000.0)
y = kernel("relu", "cpu").forward(x)[0]
assert threads._pool is not None
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(kernel("relu", "cpu").forward(x)[0], y) else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert np.array_equal(kernel("relu", "cpu").forward(x)[0], y)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", " 2"])
def test_a_wrong_number_in_the_environment_is_named(monkeypatch, text):
    monkeypatch.setattr(threads, "_threads", None)
    monkeypatch.setenv("MINIRES_NUM_THREADS", text)
    with pytest.raises(ValueError, match=r"MINIRES_NUM_THREADS: expected a positive integer"):
        threads.num_threads()


def test_the_environment_sets_the_number(monkeypatch):
    monkeypatch.setattr(threads, "_threads", None)
    monkeypatch.setenv("MINIRES_NUM_THREADS", "5")
    assert threads.num_threads() == 5


@pytest.mark.parametrize("n", [0, -2, 1.5, True, "2", None])
def test_set_num_threads_refuses(n):
    with pytest.raises(ValueError, match="positive integer"):
        threads.set_num_threads(n)


@given(st.integers(0, 10**7), st.integers(0, 10**5), st.integers(1, 100))
def test_chunks_cover_the_range(n, smallest, most):
    pieces = threads.chunks(n, smallest, most)
    assert 1 <= len(pieces) <= most
    assert (pieces[0][0], pieces[-1][1]) == (0, n)
    for (_, end), (start, _) in itertools.pairwise(pieces):
        assert end == start
    if len(pieces) > 1:
        assert min(hi - lo for lo, hi in pieces) >= max(1, smallest)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_error_in_any_piece_is_raised(n):
    def loop(i, lo, hi, seen):
        seen.append(i)
        if i == 4:
            raise ZeroDivisionError("piece 4")

    threads.set_num_threads(n)
    with pytest.raises(ZeroDivisionError, match="piece 4"):
        threads.run(loop, threads.chunks(6), [])

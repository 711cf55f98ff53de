"""Threads: the same bits for any number of them, two callers at once, and processes that fork."""

import ast
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minires
from minires_kernels import kernel
from minires_kernels.backends import load
from minires_kernels.cpu.machine import threads

IMPLEMENTATIONS = [(n, v.number) for n, versions in load("cpu").KERNELS.items() for v in versions]


@pytest.fixture(autouse=True)
def _restore_threads():
    before = threads.num_threads()
    yield
    threads.set_num_threads(before)


def large_call(name):
    """Return arrays and options that make several chunks of work."""
    rng = np.random.default_rng(0)

    def normal(*shape):
        return rng.standard_normal(shape, dtype=np.float32)

    x = normal(96, 12, 9, 11)
    return {
        "conv2d": ((x, normal(8, 12, 3, 3), normal(8)), {"padding": 1}),
        "linear": ((normal(500, 70), normal(90, 70), normal(90)), {}),
        "linear_norm_relu": (
            (normal(700, 70), normal(96, 70), normal(96), normal(96), None, None, normal(700, 96)),
            {},
        ),
        "batch_norm": ((x, normal(12), normal(12)), {}),
        "batch_norm_relu": ((x, normal(12), normal(12), None, None, normal(*x.shape)), {}),
        "conv2d_norm_relu": (
            (
                x[:, :, :8, :8],
                normal(8, 12, 3, 3),
                normal(8),
                normal(8),
                None,
                None,
                normal(96, 8, 8, 8),
            ),
            {"padding": 1},
        ),
        "relu": ((x,), {}),
        "add_relu": ((x, x[::-1].copy()), {}),
        "max_pool2d": ((x,), {"kernel_size": 3, "stride": 2, "padding": 1}),
        "avg_pool2d": ((x,), {"kernel_size": 3, "stride": 2, "padding": 1}),
        "global_avg_pool2d": ((x,), {}),
        "gated": ((x,), {"gate": "normal"}),
        "group_norm": ((x, normal(12), normal(12)), {"groups": 3}),
        "cross_entropy": ((normal(5000, 10), rng.integers(0, 10, 5000)), {}),
        "add": ((x, x[::-1].copy()), {}),
        "sgd": (
            (
                [normal(300_000)],
                [normal(300_000)],
                [normal(300_000)],
                [False],
                np.float32([0.1, 0.9, 0, 0.01, 0]),
            ),
            {},
        ),
        "running_statistics": (
            (*np.float32(rng.uniform(1, 2, (4, 12))),),
            {"count": 4, "momentum": 0.1},
        ),
    }[name]


def results(name, number):
    """Run forward and backward; return every array that comes out."""
    arrays, options = large_call(name)
    k = kernel(name, "cpu", number)
    if not k.spec.gradients:
        outputs, given = k.forward(*arrays, **options), arrays[0]
        return [*outputs, *(given if isinstance(given, list) else [given])]
    y, *saved = k.forward(*arrays, **options)
    dy = np.random.default_rng(1).standard_normal(y.shape, dtype=np.float32)
    gradients = k.backward(dy, *saved)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    return [a for a in (y, *saved, *gradients) if isinstance(a, np.ndarray)]


@pytest.mark.parametrize(("name", "number"), IMPLEMENTATIONS)
def test_any_number_of_threads_gives_the_same_bits(name, number, monkeypatch):
    jobs, share = [], threads._helpers_for
    monkeypatch.setattr(threads, "_helpers_for", lambda n: (jobs.append(n), share(n))[1])
    threads.set_num_threads(1)
    expected = results(name, number)
    for n in (2, 3):
        threads.set_num_threads(n)
        for a, b in zip(results(name, number), expected, strict=True):
            assert a.tobytes() == b.tobytes()
        if (name, number) not in (("linear", 2), ("running_statistics", 1)):  # too small here
            assert jobs, "the call was too small to be shared"


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
from minires_kernels.cpu.machine import threads
warnings.simplefilter("ignore")  # Python's own, on forking with threads
threads.set_num_threads(2)
x = np.arange(-200_000.0, 200_000.0)
y = kernel("relu", "cpu").forward(x)[0]
assert len(threads._helpers) == 1
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(kernel("relu", "cpu").forward(x)[0], y) else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert np.array_equal(kernel("relu", "cpu").forward(x)[0], y)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
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
def test_parts_depend_on_the_sizes_alone(n, smallest, most):
    count = threads.parts(n, smallest, most)
    assert 1 <= count <= most
    assert count == 1 or n // count >= max(1, smallest)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@given(n=st.integers(0, 300), smallest=st.integers(1, 50))
def test_ranges_cover_every_item_once(n_threads, n, smallest):
    threads.set_num_threads(n_threads)
    seen = np.zeros(n, int)

    def loop(lo, hi, counts):
        assert hi > lo
        counts[lo:hi] += 1

    threads.run(loop, n, seen, smallest=smallest)
    assert (seen == 1).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_an_error_in_any_range_is_raised_and_the_threads_live_on(n):
    def loop(lo, hi):
        if hi == 60:
            raise ZeroDivisionError("the last range")

    threads.set_num_threads(n)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError, match="the last range"):
            threads.run(loop, 60)
    seen = []
    threads.run(lambda lo, hi: seen.extend(range(lo, hi)), 50)
    assert sorted(seen) == list(range(50))


def test_helpers_end_when_the_number_is_reduced():
    threads.set_num_threads(4)
    threads.run(lambda lo, hi: time.sleep(0.01), 16)
    assert len(threads._helpers) == 3
    threads.set_num_threads(2)
    deadline = time.monotonic() + 10
    while sum(t.name.startswith("minires-") for t in threading.enumerate()) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_more_threads_than_cores_neither_hang_nor_change_the_result():
    expected = [a.tobytes() for a in results("conv2d", 3)]
    threads.set_num_threads(4 * (os.cpu_count() or 1))
    assert [a.tobytes() for a in results("conv2d", 3)] == expected


def test_where_no_thread_can_start_the_caller_computes_alone(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    threads.set_num_threads(1)  # ends the helpers
    threads.set_num_threads(8)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    seen = []
    threads.run(lambda lo, hi: seen.append((lo, hi)), 100)
    assert sorted(i for lo, hi in seen for i in range(lo, hi)) == list(range(100))
    assert threads.num_threads() == 1


def test_a_job_keeps_no_array_alive():
    """A helper that waits for the next job must not hold the arrays of the last."""
    threads.set_num_threads(2)
    a = np.zeros(1000)
    gone = weakref.ref(a)
    threads.run(lambda lo, hi, a: None, 1000, a)
    del a
    deadline = time.monotonic() + 10
    while gone() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_finished_job_keeps_no_array_alive_though_a_helper_is_busy():
    threads.set_num_threads(2)
    busy, arrays = threading.Event(), []

    def slow(lo, hi):
        busy.set()
        time.sleep(0.5)

    other = threading.Thread(target=threads.run, args=(slow, 4))
    other.start()
    assert busy.wait(10)
    for _ in range(3):
        a = np.zeros(1000)
        arrays.append(weakref.ref(a))
        threads.run(lambda lo, hi, a: None, 1000, a)
        del a
    assert all(gone() is None for gone in arrays)
    other.join()


def test_an_interrupt_leaves_no_helper_at_work():
    """As Ctrl-C between two ranges: when it is raised, nobody writes any more."""
    threads.set_num_threads(2)
    writing, within = [], threading.Event()
    here = threading.current_thread()

    def loop(lo, hi):
        if threading.current_thread() is not here:
            writing.append(lo)
            within.set()
            time.sleep(0.2)
            writing.remove(lo)

    class Interrupted(threads._Job):
        def work(self):
            if threading.current_thread() is here:
                assert within.wait(60)  # the helper is within a range now
                raise KeyboardInterrupt
            return super().work()

    job = Interrupted(loop, (), 8, 4)
    threads.run(lambda lo, hi: None, 4)  # starts the helper
    threads._helpers[0].jobs.put(job)
    with pytest.raises(KeyboardInterrupt):
        job.complete()
    assert not writing


STARTS = [  # one of them by default
    pytest.param(method, marks=pytest.mark.slow if i else [])
    for i, method in enumerate(reversed(multiprocessing.get_all_start_methods()))
]


@pytest.mark.parametrize("method", STARTS)
def test_worker_processes_compute(method, tmp_path):
    """As joblib's workers do: processes that import minires, started in any way."""
    code = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing, numpy as np
def work(seed):
    from minires_kernels import kernel
    from minires_kernels.cpu.machine import threads
    threads.set_num_threads(2)
    x = np.random.default_rng(seed).standard_normal(400_000)
    return float(kernel("relu", "cpu").forward(x)[0].sum())
if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("METHOD")) as pool:
        print(list(pool.map(work, [1, 1, 1, 1])))
"""
    path = tmp_path / "workers.py"
    path.write_text(code.replace("METHOD", method), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, path], capture_output=True, encoding="utf-8", timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert len(set(ast.literal_eval(done.stdout))) == 1


def test_minires_names():
    minires.set_num_threads(3)
    assert minires.get_num_threads() == 3


def test_sums_are_cut_into_parts_that_two_four_or_eight_threads_share_evenly():
    assert [threads.parts(n) for n in (0, 1, 2, 3, 7, 8, 15, 16, 1000)] == [
        1,
        1,
        2,
        2,
        4,
        8,
        8,
        16,
        16,
    ]
    assert threads.parts(128, smallest=20) == 4
    assert threads.parts(128, most=9) == 8

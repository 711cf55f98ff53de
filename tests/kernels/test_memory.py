"""Memory that is used again: never while anything refers to it, and not without bound."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires_kernels import memory

LARGE = (1 << 18,)  # one MiB of float32


@pytest.fixture(scope="module", autouse=True)
def _short_collections():
    """The tests below collect garbage often: what earlier tests loaded need not be looked at."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _clean():
    gc.collect()
    memory.release()
    memory.reset_peak()


def address(a):
    return a.__array_interface__["data"][0]


def test_memory_is_used_again():
    a = memory.empty(LARGE, np.float32)
    where = address(a)
    del a
    assert address(memory.empty(LARGE, np.float32)) == where


VIEWS = {
    "slice": lambda a: a[5:],
    "transpose": lambda a: a.reshape(512, 512).T,
    "other type": lambda a: a.view(np.int32),
    "view of a view": lambda a: a[10:][::3].reshape(-1, 2),
    "memoryview": memoryview,
    "array of a memoryview": lambda a: np.asarray(memoryview(a)),
    "from buffer": lambda a: np.frombuffer(a, np.uint8),
    "subclass": lambda a: a.view(np.matrix),
    "flat iterator": lambda a: a.flat,
    "base": lambda a: a.base,
    "ctypes": lambda a: a.ctypes,
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_any_kind_keeps_the_memory(name):
    a = memory.empty(LARGE, np.float32)
    a.fill(7)
    where, view = address(a), VIEWS[name](a)
    del a
    b = memory.empty(LARGE, np.float32)
    assert address(b) != where
    b.fill(3)
    del view
    assert address(memory.empty(LARGE, np.float32)) == where


@given(st.lists(st.tuples(st.sampled_from("take view drop"), st.integers(0, 9)), max_size=60))
def test_no_live_array_is_ever_overwritten(actions):
    """Arrays and views of them come and go; each keeps the value that it was filled with."""
    live = []
    for i, (action, k) in enumerate(actions):
        if action == "take" or not live:
            a = memory.empty((20_000 + 700 * k,), np.float32)
            a.fill(i)
            live.append((a, i))
        elif action == "view":
            a, value = live[k % len(live)]
            live.append((a[k:], value))
        else:
            del live[k % len(live)]
        for a, value in live:
            assert (a == value).all()


def test_what_is_kept_is_bounded():
    a = memory.empty(LARGE, np.float32)
    peak = memory.usage()["peak"]
    del a
    for n in range(200):  # 200 sizes, one at a time
        memory.empty((30_000 + 1024 * n,), np.float32)
    usage = memory.usage()
    assert usage["used"] == 0
    assert usage["unused"] <= (1 + memory.SLACK) * max(peak, usage["peak"])
    memory.release()
    assert memory.usage()["unused"] == 0


def test_a_block_is_not_wasted_on_a_much_smaller_array():
    a = memory.empty(LARGE, np.float32)
    where = address(a)
    del a
    assert address(memory.empty((LARGE[0] // 2,), np.float32)) != where


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (7,), (1 << 15, 5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.intp])
def test_arrays_are_as_numpys(shape, dtype):
    a = memory.zeros(shape, dtype)
    assert type(a) is np.ndarray
    assert (a.shape, a.dtype) == (shape, dtype)
    assert a.flags.carray
    assert not a.any()
    assert memory.empty_like(a).shape == shape


def test_threads_share_the_pool():
    failures = []

    def work(seed):
        for i in range(200):
            a = memory.empty((20_000 + 500 * (i % 7),), np.float32)
            a.fill(seed)
            if not (a == seed).all():
                failures.append(seed)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not failures
    assert memory.usage()["used"] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_a_pool_of_its_own():
    code = """
import os, warnings, numpy as np
from minires_kernels import memory
a = memory.empty((1 << 20,), np.float32)
a.fill(1)
child = os.fork()
if child == 0:
    b = memory.empty((1 << 20,), np.float32)
    b.fill(2)
    fine = (a == 1).all() and memory.usage()["used"] == b.nbytes
    a[0] = 42  # its own copy
    del a
    os._exit(0 if fine else 3)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert (a == 1).all()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("size", [1 << 50, 1 << 62])
def test_absurd_sizes_are_refused_and_leave_no_trace(size):
    before = memory.usage()
    with pytest.raises(MemoryError):
        memory.empty((size,), np.uint8)
    assert memory.usage() == before


def test_arrays_may_go_in_the_midst_of_an_allocation(monkeypatch):
    """As in a garbage collection or a signal handler: giving back takes no lock."""
    held = [memory.empty((30_000 + 2048 * i,), np.float32) for i in range(20)]

    class Interrupted:
        """The pool's lock; while it is held, an array goes."""

        lock = memory._pool.lock

        def __enter__(self):
            self.lock.acquire()
            if held:
                held.pop()

        def __exit__(self, *_exc):
            self.lock.release()

    monkeypatch.setattr(memory._pool, "lock", Interrupted())
    for i in range(20):
        memory.empty((30_000 + 2048 * i,), np.float32)
    assert memory.usage()["used"] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_may_free_what_it_inherited():
    """Also if a thread of the parent held the pool's lock at the fork."""
    code = """
import os, signal, threading, numpy as np
from minires_kernels import memory
a = memory.empty((1 << 20,), np.float32)
memory._pool.lock.acquire()
child = os.fork()
if child == 0:
    signal.alarm(20)
    del a
    memory.empty((1 << 20,), np.float32)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts Linux's page faults")
def test_small_arrays_of_a_step_need_no_new_pages_in_the_next():
    script = """
import resource
from minires_kernels import memory

def step():
    arrays = [memory.empty((1 << 15,), "u1") for _ in range(200)]
    for a in arrays:
        a.fill(0)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(max(faults() for _ in range(3)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=60
    )
    assert int(done.stdout) < 100, done.stderr  # of 1600

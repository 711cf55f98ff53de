"""Compiled loops that threads share: every item once, nothing leaked, nobody left out."""

import sys
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires_kernels.cpu.machine import threads
from minires_kernels.cpu.machine.loops import loop, loop_in_order
from minires_kernels.cpu.machine.spin import subtract, turns, watch


@pytest.fixture(autouse=True)
def _restore_threads():
    before = threads.num_threads()
    yield
    threads.set_num_threads(before)


@loop
def _count(lo, hi, counts, ranges):
    counts[lo:hi] += 1
    ranges[lo] = hi


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@given(n=st.integers(0, 300), smallest=st.integers(1, 50))
def test_ranges_of_a_compiled_loop_cover_every_item_once(n_threads, n, smallest):
    threads.set_num_threads(n_threads)
    counts, ranges = np.zeros(n, int), np.zeros(n + 1, int)
    threads.run(_count, n, counts, ranges, smallest=smallest)
    assert (counts == 1).all()
    cuts = np.count_nonzero(ranges)
    assert cuts <= threads.RANGES_PER_THREAD * n_threads
    if n_threads > 1 and n >= 2 * smallest:
        assert cuts > 1


@loop_in_order
def _rows(lo, hi, pairs, z):
    """Takes views of rows, as batch norm does, and keeps some memory for itself."""
    (x, scale), mine = pairs, np.zeros(3)
    for i in range(lo, hi):
        row, out = x[i], z[i]
        for j in range(row.size):
            mine[0] = row[j] * scale[j]
            out[j] = mine[0]


def test_a_compiled_loop_leaves_references_as_they_were():
    threads.set_num_threads(2)
    x, scale, z = np.ones((999, 8)), np.arange(8.0), np.empty((999, 8))
    gone = weakref.ref(x)
    for _ in range(5):
        before = [sys.getrefcount(a) for a in (x, scale, z)]
        threads.run(_rows, len(x), (x, scale), z)
        assert [sys.getrefcount(a) for a in (x, scale, z)] == before
    assert (z == scale).all()
    del x
    assert gone() is None


@loop
def _too_large(lo, hi, size, out):
    if hi == out.size:  # the last range
        out[lo] = np.empty(size)[0]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_compiled_loop_without_memory_says_so_and_the_threads_live_on(n):
    threads.set_num_threads(n)
    for _ in range(3):
        with pytest.raises(MemoryError):
            threads.run(_too_large, 60, 1 << 50, np.zeros(60))
        counts = np.zeros(60, int)
        threads.run(_count, 60, counts, np.zeros(61, int))
        assert (counts == 1).all()


def test_two_callers_of_compiled_loops_do_not_mix_their_jobs():
    threads.set_num_threads(2)

    def call(seed):
        rng = np.random.default_rng(seed)
        for _ in range(300):
            x, scale = rng.standard_normal((60, 8)), rng.standard_normal(8)
            z = np.empty_like(x)
            threads.run(_rows, len(x), (x, scale), z)
            assert (z == x * scale).all()

    with ThreadPoolExecutor(4) as callers:
        for job in [callers.submit(call, seed) for seed in range(4)]:
            job.result(timeout=60)


@loop
def _meet(lo, hi, begun, met, limit):
    """Each of two ranges waits until the other has begun, too."""
    subtract(begun, -1)
    met[lo] = watch(begun, 1, False, limit)


def test_both_kinds_of_loop_reach_the_helper_again_and_again():
    """Whatever it does just then: sleep, watch, or wait for the interpreter."""
    threads.set_num_threads(2)
    limit = turns(10e6)
    for pause in (0, 1e-4, 5e-4, 3e-3):
        for _ in range(5):
            met = np.zeros(2, bool)
            threads.run(_meet, 2, np.zeros(1, int), met, limit)
            assert met.all()
            time.sleep(pause)
            both = threading.Barrier(2, timeout=10)  # s
            threads.run(lambda lo, hi, both=both: both.wait(), 2)
            time.sleep(pause)

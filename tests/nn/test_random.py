"""The default generator: seeds, blocks per thread and task, its state."""

import asyncio
import copy
import pickle
import threading

import numpy as np
import pytest

import minires as mr
from minires.random import generator, get_rng_state, set_rng_state, using


@pytest.fixture(autouse=True)
def seeded():
    before = get_rng_state()
    mr.manual_seed(0)
    yield
    set_rng_state(before)


def draw():
    return float(generator().random())


def fresh(seed):
    return float(np.random.default_rng(seed).random())


def test_the_numbers_of_a_seed_are_numpys():
    assert draw() == fresh(0)
    mr.manual_seed(7)
    assert draw() == fresh(7)
    mr.manual_seed(np.int64(2**40))
    assert draw() == fresh(2**40)
    assert generator(3).random() == fresh(3)
    own = np.random.default_rng(1)
    assert generator(own) is own


def test_blocks_nest_are_entered_again_and_end_with_an_exception():
    rng = np.random.default_rng(1)
    block = using(rng)
    with block:
        assert generator() is rng
        with using(2), block:
            assert generator() is rng
        with pytest.raises(KeyError), using(2):
            assert draw() == fresh(2)
            raise KeyError
        assert generator() is rng
    assert draw() == fresh(0)


def test_a_seed_within_a_block_ends_with_it():
    with using(1):
        mr.manual_seed(2)
        assert draw() == fresh(2)
    assert draw() == fresh(0)


def test_a_block_is_one_threads():
    barrier, seen = threading.Barrier(2, timeout=20), []

    def other():
        barrier.wait()  # the other thread is in its block
        seen.append(draw())
        with using(5):
            barrier.wait()
            barrier.wait()
            seen.append(draw())

    thread = threading.Thread(target=other)
    thread.start()
    with using(1):
        barrier.wait()
        barrier.wait()  # both are in their blocks
        assert draw() == fresh(1)
    barrier.wait()
    thread.join(20)
    assert seen == [fresh(0), fresh(5)]


def test_tasks_and_decorated_functions():
    async def task(seed):
        with using(seed):
            await asyncio.sleep(0)
            return draw()

    async def main():
        return await asyncio.gather(task(1), task(2), task(3))

    assert asyncio.run(main()) == [fresh(1), fresh(2), fresh(3)]

    @using(np.random.default_rng(4))
    def recursive(n):
        return [draw(), *(recursive(n - 1) if n else [])]

    assert recursive(2) == np.random.default_rng(4).random(3).tolist()
    assert draw() == fresh(0)


@pytest.mark.parametrize("pack", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_the_state_is_kept_and_put_back(pack):
    draw()
    state = pack(get_rng_state())
    expected = [draw() for _ in range(3)]
    set_rng_state(state)
    assert [draw() for _ in range(3)] == expected
    set_rng_state(state)
    assert [draw() for _ in range(3)] == expected
    for rng in (np.random.Generator(np.random.MT19937(1)), np.random.default_rng(3)):
        with using(rng):
            state = get_rng_state()
            first = draw()
            set_rng_state(state)
            assert draw() == first
    with using(np.random.Generator(np.random.MT19937(1))):
        state = get_rng_state()
    with pytest.raises(ValueError, match="no state of a PCG64"):
        set_rng_state(state)
    with pytest.raises(ValueError, match="no state of a PCG64"):
        set_rng_state({})
    with pytest.raises(TypeError, match="get_rng_state"):
        set_rng_state(b"state")


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_what_is_no_seed(seed):
    for use in (mr.manual_seed, using):
        with pytest.raises((TypeError, ValueError), match="seed: expected"):
            use(seed)
    assert draw() == fresh(0)

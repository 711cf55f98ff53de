"""Switches: for good or as a block, right per thread and task, re-entrant, in any order."""

import asyncio
import contextlib
import contextvars
import gc
import os
import signal
import threading

import pytest

from minires import nn
from minires_kernels import current_backend, use_backend, use_versions
from minires_kernels.cuda.machine.options import allow_tf32, tf32_allowed
from minires_kernels.setting import Setting

SWITCHES = {  # the class, how to choose, what is read, three values
    "backend": (use_backend, use_backend, current_backend, ["cpu", "reference", "cuda-sim"]),
    "versions": (
        use_versions,
        lambda n: use_versions(conv2d=n),
        lambda: use_versions.current().get("conv2d"),
        [1, 2, 3],
    ),
    "fusion": (nn.use_fusion, nn.use_fusion, nn.use_fusion.current, [True, False, True]),
    "tf32": (allow_tf32, allow_tf32, tf32_allowed, [False, True, False]),
}


@pytest.fixture(params=SWITCHES)
def switch(request):
    """Yield (use, current, a, b, c) with `a` in use for good; put the first value back."""
    kind, use, current, (a, b, c) = SWITCHES[request.param]
    before = list(kind._for_good)
    use(a)
    try:
        yield use, current, a, b, c
        assert kind._held.get() == ()  # no test leaves a block behind
    finally:
        kind._for_good[:] = before


def in_thread(function):
    """Return what `function` returns in a new thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join(20)
    return found[0]


def test_a_call_is_for_good_in_all_threads(switch):
    use, current, a, b, _ = switch
    use(b)
    assert current() == b
    assert in_thread(current) == b
    in_thread(lambda: use(a) and None)
    assert current() == a


def test_a_call_whose_object_is_kept_is_for_good_too(switch):
    use, current, _, b, _ = switch
    kept = use(b)
    assert current() == b
    assert in_thread(current) == b
    shown = use(b)
    assert type(shown).__name__ in repr(shown)
    assert in_thread(current) == b
    del kept, shown
    assert current() == in_thread(current) == b


def test_blocks_nest_and_end_with_an_exception(switch):
    use, current, a, b, c = switch
    with use(b):
        assert current() == b
        with pytest.raises(KeyError), use(c):
            assert current() == c
            raise KeyError
        assert current() == b
    assert current() == a


def test_one_object_is_entered_again_and_again(switch):
    use, current, a, b, _ = switch
    block = use(b)
    for _ in range(2):
        with block:
            with use(a), block, block:
                assert current() == b
            assert current() == b
        assert current() == a


def test_a_call_within_a_block_ends_with_it(switch):
    use, current, a, b, c = switch
    with use(b):
        use(c)
        assert current() == c
        with use(a):
            assert current() == a
            use(b)
            assert current() == b
        assert current() == c
        assert in_thread(current) == a
    assert current() == in_thread(current) == a


def test_made_earlier_and_entered_later(switch):
    use, current, a, b, _ = switch
    block = use(b)
    assert current() == b  # for good, until it turns out to be a block
    with block:
        assert current() == b
        assert in_thread(current) == a
    assert current() == a
    with use(a):
        block = use(b)
        assert current() == b
        with block:
            assert current() == b
        assert current() == a
    with block:
        assert current() == b
    with contextlib.ExitStack() as stack:
        stack.enter_context(use(b))
        assert current() == b
        assert in_thread(current) == a
    assert current() == a


def test_a_block_is_one_threads(switch):
    use, current, a, b, _ = switch
    barrier = threading.Barrier(2, timeout=20)
    seen = {}

    def other():
        seen["before"] = current()
        with use(a):
            barrier.wait()  # both are in their blocks
            seen["within"] = current()
            barrier.wait()
            barrier.wait()  # the first thread is out of its block
            seen["after"] = current()

    with use(b):
        thread = threading.Thread(target=other)
        thread.start()
        barrier.wait()
        assert current() == b
        barrier.wait()
    barrier.wait()
    thread.join(20)
    assert seen == {"before": a, "within": a, "after": a}
    assert current() == a


def test_one_object_in_two_threads(switch):
    use, current, a, b, _ = switch
    block, barrier = use(b), threading.Barrier(2, timeout=20)

    def run():
        for _ in range(5):
            with block:
                barrier.wait()
                assert current() == b
                barrier.wait()
            assert current() == a
        return True

    with use(a):
        pass
    thread = threading.Thread(target=run)
    thread.start()
    assert run()
    thread.join(20)


def test_opening_a_block_never_shows_in_another_thread(switch):
    use, current, a, b, _ = switch
    block = use(b)  # what `with use(b):` does first
    assert in_thread(current) == a
    with block:
        assert in_thread(current) == a
    assert in_thread(current) == current() == a


def test_a_call_in_a_thread_within_its_block_stays_there(switch):
    use, current, a, b, c = switch

    def run():
        with use(b):
            use(c)
            return current()

    assert in_thread(run) == c
    assert current() == a


def test_tasks_have_their_own_blocks(switch):
    use, current, a, b, _ = switch

    async def task(value, turns):
        with use(value):
            for _ in range(turns):
                await asyncio.sleep(0)
                assert current() == value
        assert current() == a

    async def main():
        await asyncio.gather(task(a, 3), task(b, 5), task(a, 1), task(b, 2))
        assert current() == a
        with use(b):
            inherited = asyncio.create_task(asyncio.to_thread(current))
        assert await inherited == b

    asyncio.run(main())
    assert current() == a


def test_decorated_functions_of_every_kind(switch):
    use, current, a, b, _ = switch

    @use(b)
    def countdown(n):
        assert current() == b
        return [current(), *(countdown(n - 1) if n else [])]

    assert current() == a  # decorating chooses nothing
    assert countdown(3) == [b] * 4
    assert current() == a

    @use(b)
    def generate():
        while True:
            yield current()

    values = generate()
    for _ in range(2):
        assert next(values) == b
        assert current() == a  # not while the generator waits
    values.close()

    @use(b)
    async def coroutine():
        await asyncio.sleep(0)
        return current()

    assert asyncio.run(coroutine()) == b
    with pytest.raises(TypeError, match="decorates functions"):
        use(b)(3)
    assert current() == a


def test_blocks_of_generators_end_in_any_order(switch):
    use, current, a, b, c = switch

    def holds(value):
        with use(value):
            yield

    first, second = holds(b), holds(c)
    next(first)
    next(second)
    first.close()
    assert current() == c
    second.close()
    assert current() == a
    first = holds(b)
    next(first)
    with use(c):
        use(a)
        first.close()
        assert current() == a
    assert current() == a


def test_a_block_that_ends_in_another_context_undoes_nothing_there(switch):
    use, current, a, b, _ = switch
    block, context = use(b), contextvars.copy_context()
    context.run(block.__enter__)
    with use(a):
        block.__exit__(None, None, None)
        assert current() == a
    assert context.run(current) == b


def test_choices_do_not_pile_up(switch):
    use, current, _, b, c = switch
    kind = type(use(b))
    for value in [b, c] * 50:
        use(value)
        with use(b):
            pass
    gc.collect()
    assert current() == c
    assert len(kind._for_good) <= 2


def test_a_refused_value_chooses_nothing():
    before = current_backend(), use_versions.current(), tf32_allowed()
    for wrong in (
        lambda: use_backend("gpu"),
        lambda: use_versions(conv2d=0),
        lambda: allow_tf32("yes"),
        lambda: nn.use_fusion(None),
    ):
        with pytest.raises((TypeError, ValueError), match="expected"):
            wrong()
    assert before == (current_backend(), use_versions.current(), tf32_allowed())


def test_versions_add_up_where_the_block_begins():
    limit = use_versions(conv2d=2)
    with limit, use_versions(relu=1):
        assert use_versions.current() == {"conv2d": 2, "relu": 1}
        with limit:
            assert use_versions.current() == {"conv2d": 2, "relu": 1}
    with use_versions(conv2d=1), limit:
        assert use_versions.current() == {"conv2d": 2}
    assert use_versions.current() == {}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_goes_on():
    held, release = threading.Event(), threading.Event()

    def hold():
        with Setting._lock:
            held.set()
            release.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        use_backend("reference")
        os._exit(0 if current_backend() == "reference" else 1)
    release.set()
    thread.join(20)
    assert os.waitpid(child, 0)[1] == 0


def test_a_kept_choice_of_another_thread_counts_once_that_thread_has_ended(switch):
    use, current, a, b, _ = switch
    kept, barrier = [], threading.Barrier(2, timeout=20)

    def choose():
        kept.append(use(b))
        barrier.wait()
        barrier.wait()

    thread = threading.Thread(target=choose)
    thread.start()
    barrier.wait()
    assert current() == a  # it may yet open a block there
    barrier.wait()
    thread.join(20)
    assert current() == in_thread(current) == b

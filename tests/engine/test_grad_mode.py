"""no_grad and enable_grad: nested, recursive, in threads and tasks, on every kind of function."""

import asyncio
import contextvars
import threading

import numpy as np
import pytest

import minires as mr


def test_one_object_may_be_nested_in_itself():
    off = mr.no_grad()
    with off:
        with off:
            assert not mr.is_grad_enabled()
        assert not mr.is_grad_enabled()
    assert mr.is_grad_enabled()


@pytest.mark.parametrize("decorator", [mr.no_grad, mr.no_grad()], ids=["bare", "called"])
def test_a_recursive_function(decorator):
    @decorator
    def count(n):
        assert not mr.is_grad_enabled()
        return 0 if n == 0 else 1 + count(n - 1)

    assert count(5) == 5
    assert mr.is_grad_enabled()


def test_a_recursive_function_that_raises():
    @mr.no_grad()
    def fail(n):
        if n == 0:
            raise ArithmeticError("on purpose")
        fail(n - 1)

    with pytest.raises(ArithmeticError):
        fail(3)
    assert mr.is_grad_enabled()


def test_enable_grad_within_no_grad():
    x = mr.tensor([1.0], requires_grad=True)
    with mr.no_grad():
        with mr.enable_grad():
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad


def test_a_generator_holds_it_only_while_it_runs():
    log = []

    @mr.no_grad()
    def numbers():
        try:
            while True:
                log.append(mr.is_grad_enabled())
                try:
                    got = yield len(log)
                except KeyError:
                    got = "caught"
                log.append(got)
        finally:
            log.append(("closed", mr.is_grad_enabled()))

    made = numbers()
    assert next(made) == 1
    assert mr.is_grad_enabled()
    assert made.send("a") == 3
    assert made.throw(KeyError()) == 5
    assert mr.is_grad_enabled()
    made.close()
    assert log == [False, "a", False, "caught", False, ("closed", False)]
    assert mr.is_grad_enabled()


def test_a_generator_returns_and_delegates():
    @mr.no_grad()
    def inner():
        yield 1
        return "end"

    def outer():
        result = yield from inner()
        yield result

    assert list(outer()) == [1, "end"]


def test_tasks_do_not_see_each_other():
    seen = {}

    @mr.no_grad()
    async def off(turn):
        await turn.wait()
        seen["off"] = mr.is_grad_enabled()

    async def on(turn):
        await asyncio.sleep(0)
        seen["on"] = mr.is_grad_enabled()
        turn.set()

    @mr.no_grad()
    async def counting():
        for i in range(3):
            assert not mr.is_grad_enabled()
            yield i

    async def both():
        turn = asyncio.Event()
        await asyncio.gather(off(turn), on(turn))
        assert [i async for i in counting()] == [0, 1, 2]
        assert mr.is_grad_enabled()

    asyncio.run(both())
    assert seen == {"off": False, "on": True}


def test_one_object_in_two_threads():
    off, inside, leave = mr.no_grad(), threading.Barrier(2), threading.Barrier(2)
    seen = []

    def run():
        with off:
            inside.wait(10)
            seen.append(mr.is_grad_enabled())
            leave.wait(10)
        seen.append(mr.is_grad_enabled())

    thread = threading.Thread(target=run)
    thread.start()
    inside.wait(10)
    assert mr.is_grad_enabled()
    leave.wait(10)
    thread.join(10)
    assert seen == [False, True]


def test_blocks_end_in_any_order():
    off, on = mr.no_grad(), mr.enable_grad()
    off.__enter__()
    on.__enter__()
    off.__exit__()
    assert mr.is_grad_enabled()
    off.__enter__()
    on.__exit__()
    assert not mr.is_grad_enabled()
    off.__exit__()
    assert mr.is_grad_enabled()


def test_a_block_that_ends_in_another_thread_leaves_that_thread_as_it_was():
    def held():
        with mr.no_grad():
            yield

    seen = []

    def close(waiting):  # as the garbage collector may
        waiting.close()
        seen.append(mr.is_grad_enabled())
        seen.append((mr.tensor([1.0], requires_grad=True) * 2).requires_grad)

    def run():
        waiting = held()
        next(waiting)
        thread = threading.Thread(target=close, args=(waiting,))
        thread.start()
        thread.join(10)

    contextvars.copy_context().run(run)  # whose block stays open
    assert seen == [True, True]


def test_it_decorates_methods_and_refuses_what_cannot_be_called():
    class Net:
        @mr.no_grad()
        def predict(self, x):
            return (x * 2).requires_grad

        @mr.no_grad()
        @staticmethod
        def recording():
            return mr.is_grad_enabled()

        @mr.no_grad()
        @classmethod
        def name(cls):
            return cls.__name__, mr.is_grad_enabled()

    assert Net.recording() is Net().recording() is False
    assert Net.name() == ("Net", False)
    assert Net().predict(mr.tensor(np.ones(1), requires_grad=True)) is False
    with pytest.raises(TypeError, match="decorates functions"):
        mr.no_grad(3)
    with pytest.raises(TypeError, match="decorates functions"):
        mr.no_grad()(Net)  # it would be a function afterwards, and no class

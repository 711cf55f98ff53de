"""The engine: order, accumulation, depth, freeing, hooks, and refusals."""

import gc
import threading

import numpy as np
import pytest

import minires as mr
from minires import Function, engine
from minires.gradcheck.branches import observe_branches
from minires.tensor import Tensor


def leaf(values, **options):
    return mr.tensor(np.array(values, np.float64), requires_grad=True, **options)


def test_a_value_used_twice_receives_both_gradients():
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == 4.0


def test_diamond_with_unequal_paths():
    x = leaf(2.0)
    y = x * 3
    z = y * 2 + y * 5
    z.backward()
    assert x.grad == 21.0


def test_ten_thousand_operations_in_a_chain():
    x = leaf(1.0)
    y = x
    for _ in range(10_000):
        y = y + 0.0
    y.backward()
    assert x.grad == 1.0
    del y
    gc.collect()  # deallocating the chain must not overflow the stack either


def test_two_hundred_residual_blocks_visit_every_node_once(monkeypatch):
    visits = []
    run = engine.Node.run
    monkeypatch.setattr(engine.Node, "run", lambda node, dy: visits.append(node) or run(node, dy))
    x = leaf([0.1, 0.2])
    y = x
    for _ in range(200):
        y = y + (y * 0.01).tanh()
    y.sum().backward()
    assert len(visits) == 200 * 3 + 1
    assert len(set(visits)) == len(visits)


def test_gradients_accumulate_over_backward_calls():
    x = leaf([1.0, 2.0])
    for _ in range(3):
        (x * x).sum().backward()
    assert x.grad.tolist() == [6.0, 12.0]


def test_a_freed_graph_refuses_and_says_what_to_do():
    x = leaf(3.0)
    y = x * x
    z = y * 2
    z.backward()
    for again in (z, y):
        with pytest.raises(RuntimeError, match="retain_graph=True"):
            again.backward()
    assert x.grad == 12.0  # nothing was added by the refused calls


def test_retain_graph_allows_a_second_pass():
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 12.0


def test_retain_grad_and_leaves_only_by_default():
    x = leaf(3.0)
    y, z = x * 2, x * 5
    y.retain_grad()
    (y * z).backward()
    assert y.grad == 15.0
    assert z.grad is None
    assert x.grad == 60.0
    with pytest.raises(RuntimeError, match="does not require"):
        mr.tensor(1.0).retain_grad()


def test_hooks_see_replace_and_leave():
    x = leaf([1.0, 2.0])
    y = x * 2
    seen = []
    first = y.register_hook(lambda g: seen.append(g.copy()))
    y.register_hook(lambda g: g * 10)
    (y * y).sum().backward()
    assert seen[0].tolist() == [4.0, 8.0]
    assert x.grad.tolist() == [80.0, 160.0]
    first.remove()
    first.remove()
    assert len(seen) == 1

    def writes(g):
        g[...] = 0

    z = x * 2
    z.register_hook(writes)
    with pytest.raises(ValueError, match="read-only"):
        z.sum().backward()
    w = x * 2
    w.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError, match="hook returned shape"):
        w.sum().backward()


def test_no_grad_detach_and_leaf_rules():
    x = leaf(2.0)
    with mr.no_grad():
        assert not (x * x).requires_grad
        assert not mr.is_grad_enabled()
    assert mr.is_grad_enabled()

    @mr.no_grad()
    def decorated():
        return x * x

    assert not decorated().requires_grad
    y = x * x
    assert not y.is_leaf
    assert x.is_leaf
    assert y.detach().is_leaf
    assert y.detach().data is y.data
    (y.detach() * x).backward()
    assert x.grad == 4.0
    with pytest.raises(RuntimeError, match="leaves"):
        y.requires_grad_(False)
    with pytest.raises(TypeError, match="floating"):
        mr.tensor([1, 2], requires_grad=True)


def test_no_grad_belongs_to_its_thread():
    seen = []
    with mr.no_grad():
        other = threading.Thread(target=lambda: seen.append(mr.is_grad_enabled()))
        other.start()
        other.join()
    assert seen == [True]


def test_an_update_between_forward_and_backward_is_refused():
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    w.update_(np.zeros(2))
    with pytest.raises(RuntimeError, match="updated in place"):
        y.backward()
    z = (w + 1.0).sum()  # add saves nothing, so an update does no harm
    w.update_(np.ones(2))
    z.backward()
    assert w.grad.tolist() == [1.0, 1.0]


def test_gradients_never_share_memory():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    dy = np.ones(2)
    (a + b).backward(dy)
    assert a.grad.tolist() == b.grad.tolist() == [1.0, 1.0]
    assert not np.shares_memory(a.grad, b.grad)
    assert not np.shares_memory(a.grad, dy)


def test_backward_checks_its_argument():
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match="sum"):
        (x * 2).backward()
    with pytest.raises(ValueError, match="float64 of shape"):
        (x * 2).backward(np.ones(3))
    with pytest.raises(ValueError, match="float64 of shape"):
        (x * 2).backward(np.ones(2, np.float32))
    with pytest.raises(RuntimeError, match="no history"):
        mr.tensor(1.0).backward()


def function(forward=None, backward=None):
    """Make a Function of one input from plain functions."""

    class Made(Function):
        @staticmethod
        def forward(ctx, x):
            return forward(x) if forward else x * 2

        @staticmethod
        def backward(ctx, dy):
            return backward(dy)

    return Made


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda dy: None, "returned NoneType for input 0"),
        (lambda dy: dy[:1], r"shape \(1,\)"),
        (lambda dy: dy.astype(np.float32), "float32"),
        (lambda dy: (dy, dy), "2 gradients for 1 inputs"),
        (lambda dy: [1.0, 2.0], "list"),
    ],
)
def test_a_wrong_backward_is_named(backward, message):
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=f"Made.backward.*{message}"):
        function(backward=backward).apply(x).sum().backward()
    assert x.grad is None


def test_a_function_without_backward_is_refused_when_defined():
    with pytest.raises(TypeError, match="static method `backward`"):

        class OnlyForward(Function):
            @staticmethod
            def forward(ctx, x):
                return x

    with pytest.raises(TypeError, match="@staticmethod"):

        class NotStatic(Function):
            def forward(ctx, x):
                return x

            @staticmethod
            def backward(ctx, dy):
                return dy


def test_forward_must_return_an_array():
    with pytest.raises(TypeError, match="list, not an array"):
        function(forward=lambda x: [1.0]).apply(leaf([1.0]))


def test_a_failing_backward_stores_nothing():
    def fail(dy):
        raise ArithmeticError("on purpose")

    x, z = leaf([1.0]), leaf([2.0])
    y = (z * 3 + function(backward=fail).apply(x)).sum()
    with pytest.raises(ArithmeticError):
        y.backward()
    assert x.grad is None
    assert z.grad is None


def test_a_graph_runs_backward_on_the_backend_of_its_forward():
    x = leaf(np.random.default_rng(0).standard_normal((2, 3, 4, 4)))
    with mr.use_backend("reference"):
        y = mr.functional.relu(x)
    assert y.node.ctx.kernel.backend == "reference"
    assert mr.functional.relu(x).node.ctx.kernel.backend == "cpu"
    y.sum().backward()


def test_branches_are_seen_only_while_somebody_observes():
    calls = []

    class Kinked(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.branch(lambda: calls.append(1) or x > 0)
            return np.abs(x)

        @staticmethod
        def backward(ctx, dy):
            return dy

    Kinked.apply(leaf([1.0, -1.0]))
    assert calls == []
    digests = []
    for values in ([1.0, -1.0], [2.0, -3.0], [-1.0, 1.0]):
        with observe_branches() as log:
            Kinked.apply(leaf(values))
        digests.append(log.digest())
    assert digests[0] == digests[1] != digests[2]


def test_tensors_are_what_numpy_and_python_expect():
    x = mr.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.dtype == np.float32
    assert mr.tensor(np.zeros(2)).dtype == np.float64
    assert mr.tensor([1, 2]).dtype.kind == "i"
    assert len(x) == 2
    assert [row.data.tolist() for row in x] == [[1.0, 2.0], [3.0, 4.0]]
    assert np.asarray(x).sum() == 10
    assert isinstance(np.ones((2, 2), np.float32) + x, Tensor)
    assert "shape=(2, 2)" in repr(x)
    assert float(x.sum()) == 10.0
    with pytest.raises(ValueError, match="one element"):
        x.item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    with pytest.raises(TypeError, match=r"minires\.where"):
        x.requires_grad_()[0] = 1
    with pytest.raises(RuntimeError, match="detach"):
        (leaf([1.0]) * 2).numpy()
    with pytest.raises(TypeError, match="real numbers"):
        mr.tensor(["a"])
    values = np.zeros(2)
    assert not np.shares_memory(mr.tensor(values).data, values)

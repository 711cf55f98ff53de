"""Training steps as graphs: replays do what the step did; what cannot be replayed is refused."""

import gc
import weakref

import numpy as np
import pytest

import device_module
import minires as mr
import minires.functional as F
from device_array import state
from minires import models, nn, optim
from minires.cuda.graph import current

xp, Stream = device_module.xp, device_module.Stream


@pytest.fixture(autouse=True)
def _device():
    with device_module.device():
        Stream.log.clear()
        yield
        assert current() is None
        assert state.noted is None


def batches(n=8):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 8, 12)).astype(np.float32)
    return x, rng.integers(0, 5, (n, 8))


class Training:
    """A net, its optimiser, and a step on arrays that stay in place."""

    def __init__(self, net=None, **options):
        self.net = net or models.mlp_stack(4, 6, norm="bn", in_features=12, num_classes=5, seed=0)
        self.net.to("cuda")
        options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3} | options
        self.sgd = optim.SGD(self.net.parameters(), **options)
        self.plain_average = nn.BatchNorm1d(12, momentum=None).to("cuda")
        self.x = mr.tensor(np.zeros((8, 12), np.float32), device="cuda")
        self.y = mr.tensor(np.zeros(8, np.int64), device="cuda")

    def feed(self, x, y):
        self.x.data.set(x)
        self.y.data.set(y)

    def step(self):
        self.sgd.zero_grad()
        loss = F.cross_entropy(self.net(self.x), self.y)
        loss.backward()
        self.sgd.step()
        return loss


def run(training, step, lrs):
    xs, ys = batches(len(lrs))
    losses = []
    for x, y, lr in zip(xs, ys, lrs, strict=True):
        training.feed(x, y)
        training.sgd.param_groups[0]["lr"] = lr
        losses.append(step().item())
    return losses, {k: v.get() for k, v in training.net.state_dict().items()}


def test_replays_train_as_the_step_does_with_the_learning_rate_of_the_call():
    lrs = [0.1, 0.1, 0.02, 0.3, 0.3]
    eager, captured = Training(), Training()
    xs, ys = batches(1)
    for training in (eager, captured):
        training.feed(xs[0], ys[0])
    for _ in range(2):
        eager.step()
    step = mr.cuda.graph(captured.step, warmup=2)
    losses, net = run(eager, eager.step, lrs)
    waits = state.waits
    losses_there, net_there = run(captured, step, lrs)
    assert losses_there == losses
    for name, a in net.items():
        assert np.array_equal(net_there[name], a), name
    assert net["stem.1.num_batches_tracked"] == 7
    # per step: two batches fed, one loss read; and the learning rate, where it has changed
    assert state.waits - waits - len(net) == 3 * len(lrs) + 2


def test_a_replay_returns_the_same_tensors_and_sets_the_gradients():
    training = Training()
    step = mr.cuda.graph(lambda: (training.step(), training.x))
    first = step()
    loss = first[0].item()
    assert np.isfinite(loss)
    assert not first[0].requires_grad
    again = step()
    assert again[0] is first[0]
    assert again[0].item() < loss
    assert all(np.isfinite(p.grad.get()).all() for p in training.net.parameters())


def test_a_step_may_return_nothing():
    training = Training()

    def step():
        training.step()

    assert mr.cuda.graph(step)() is None


def test_gradients_add_up_within_a_step_and_not_from_before_it():
    w = mr.tensor([2.0], device="cuda", requires_grad=True)

    def twice():
        w.grad = None
        for _ in range(2):
            (w * w).sum().backward()

    step = mr.cuda.graph(twice, warmup=1)
    for _ in range(3):
        step()
        assert w.grad.tolist() == [8]
    with pytest.raises(RuntimeError, match=r"zero_grad\(\) within the step"):
        mr.cuda.graph(lambda: (w * w).sum().backward(), warmup=1)


def test_what_a_step_reads_lives_as_long_as_its_graph():
    def captured():
        training = Training()
        read = [training.x.data, training.y.data, *training.net.buffers()]
        read += [p.data for p in training.net.parameters()]
        rebound = mr.tensor(np.ones((8, 12), np.float32), device="cuda")

        def step():
            loss = training.step() + (rebound * rebound).sum()
            return loss

        graph = mr.cuda.graph(step)
        refs = [weakref.ref(a) for a in read if a is not None]
        refs.append(weakref.ref(rebound.data))
        rebound.data = rebound.data + 1  # the graph goes on with the old array
        return graph, refs

    graph, refs = captured()
    gc.collect()
    assert all(ref() is not None for ref in refs)
    graph()


def test_a_replay_after_the_optimisers_arrays_have_changed_is_refused():
    def replaced(training):
        p = next(training.net.parameters())
        p.data = xp.zeros(p.shape, np.float32)

    def loaded(training):
        training.sgd.load_state_dict(training.sgd.state_dict())

    for change in (replaced, loaded):
        training = Training()
        step = mr.cuda.graph(training.step)
        step()
        change(training)
        with pytest.raises(RuntimeError, match="capture the step again"):
            step()


def test_options_that_a_captured_step_cannot_take_are_refused():
    training = Training(momentum=0.0)
    step = mr.cuda.graph(training.step)
    training.sgd.param_groups[0]["momentum"] = 0.9  # there is no velocity in the graph
    with pytest.raises(RuntimeError, match="captured without momentum"):
        step()
    training.sgd.param_groups[0] |= {"momentum": 0.0, "lr": float("nan")}
    with pytest.raises(ValueError, match="lr: expected a finite number"):
        step()


def test_operations_that_cupy_does_not_capture_are_named():
    """CuPy's matmul calls cuBLAS, and it refuses that while a stream is captured."""
    x = mr.tensor(np.ones((2, 2), np.float32), device="cuda")

    def step():
        if current() is not None:
            raise NotImplementedError("calling cuBLAS API during stream capture is unsupported")
        return x @ x

    with pytest.raises(RuntimeError, match="which calls cuBLAS"):
        mr.cuda.graph(step)


def test_a_step_is_a_function():
    with pytest.raises(TypeError, match="expected a function"):
        mr.cuda.graph(3)


def test_the_capture_has_a_stream_and_a_pool_of_its_own():
    training = Training()
    mr.cuda.graph(training.step, warmup=1)
    assert Stream.log == ["synchronize", "pool", "enter", "synchronize", "begin", "end", "exit",
                          "no pool"]  # fmt: skip


def test_a_replay_makes_older_recordings_stale():
    training = Training()
    step = mr.cuda.graph(training.step)
    loss = F.cross_entropy(training.net(training.x), training.y)
    step()
    with pytest.raises(RuntimeError, match="updated in place"):
        loss.backward()


# ---- steps that cannot be captured --------------------------------------------------------------
def waits_for_a_number(t):
    return t.step().item() and None


def prints(t):
    print(t.step())


def copies_to_the_host(t):
    t.step().cpu()


def copies_from_the_host(t):
    mr.tensor([1.0], device="cuda")


def drops_out(t):
    return F.dropout(t.x, 0.5)


def waits_in_cupy(t):
    return t.step() if bool(t.x.data.sum() > -1e9) else None


def averages_plainly(t):
    return t.plain_average(t.x)


@pytest.mark.parametrize(
    "wait",
    [
        waits_for_a_number,
        prints,
        copies_to_the_host,
        copies_from_the_host,
        drops_out,
        waits_in_cupy,
        averages_plainly,
    ],
)
def test_a_step_that_waits_is_refused_and_leaves_nothing(wait, capsys):
    training = Training()
    grads = None

    def step():
        nonlocal grads
        if current() is not None:
            grads = [p.grad for p in training.net.parameters()]
        return wait(training)

    with pytest.raises(RuntimeError, match="which a replay could not repeat"):
        mr.cuda.graph(step)
    assert "end" in Stream.log
    assert Stream.log[-1] == "free"
    for p, grad in zip(training.net.parameters(), grads, strict=True):
        assert p.grad is grad or p.grad is None  # as zero_grad left it
    assert np.isfinite(training.step().item())


def test_gradients_of_a_capture_that_failed_are_put_back():
    w = mr.tensor([2.0], device="cuda", requires_grad=True)

    def step():
        w.grad = None
        (w * w).sum().backward()
        if current() is not None:
            raise ZeroDivisionError("of the user")

    with pytest.raises(ZeroDivisionError, match="of the user"):
        mr.cuda.graph(step)
    assert w.grad is None
    assert Stream.log[-1] == "free"


def test_steps_that_a_replay_would_not_repeat_are_refused():
    training = Training()
    adam = optim.Adam(training.net.parameters())
    late = Training()
    here = nn.Parameter(np.ones(2, np.float32))
    here.grad = np.ones(2, np.float32)
    on_cpu = optim.SGD([here], lr=0.1)
    strided = nn.Parameter(xp.asarray(np.ones((2, 3), np.float32)).T)
    strided.grad = xp.ones((3, 2), np.float32)
    by_itself = optim.SGD([strided], lr=0.1)
    net = models.mlp_stack(4, 6, "preact", in_features=12, num_classes=5, survival=0.5, seed=0)
    dropping = Training(net)
    x = mr.tensor([1.0], requires_grad=True)

    def gradient_on_the_cpu():
        (x * x).sum().backward()

    def first_gradient_late():
        if current() is not None:
            late.step()

    def new_rate():
        training.sgd.param_groups[0]["lr"] *= 0.5
        training.step()

    def adam_step():
        training.step()
        adam.step()

    def nested():
        mr.cuda.graph(training.step)

    for step, message in (
        (adam_step, "Adam cannot be captured"),
        (on_cpu.step, "float32 on cpu"),
        (by_itself.step, r"strides \(4, 12\)"),
        (gradient_on_the_cpu, "must compute on the GPU"),
        (first_gradient_late, "more warm-up steps"),
        (new_rate, "which a replay could not repeat"),
        (nested, "cannot be nested"),
        (lambda: dropping.net(dropping.x), "would repeat one choice"),
    ):
        with pytest.raises(RuntimeError, match=message):
            mr.cuda.graph(step)


@pytest.mark.parametrize(
    ("outputs", "message"),
    [(1.0, "here is float"), ((None,), "here is NoneType"), ([], "here is list"),
     (mr.tensor([1.0]), "a tensor on cpu")],
)  # fmt: skip
def test_outputs_are_tensors_on_the_device(outputs, message):
    with pytest.raises(TypeError, match=message):
        mr.cuda.graph(lambda: outputs)


def test_at_least_one_warm_up_step():
    for wrong, error in ((0, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="warmup"):
            mr.cuda.graph(lambda: None, warmup=wrong)

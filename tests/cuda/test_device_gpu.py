"""The same nets on a real GPU; skipped where there is none."""

import numpy as np
import pytest

import minires as mr
from test_device_graph import Training, batches, run
from test_device_training import OPTIMIZERS, conv, mlp, trained

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not mr.cuda.is_available(), reason=mr.cuda.status()[1]),
]


@pytest.mark.parametrize("how", OPTIMIZERS)
@pytest.mark.parametrize("make", [mlp, conv])
def test_training_gives_what_it_gives_on_the_cpu(make, how):
    with mr.use_backend("reference"):
        losses, net = trained(make, OPTIMIZERS[how], "cpu")
    losses_there, net_there = trained(make, OPTIMIZERS[how], "cuda")
    np.testing.assert_allclose(losses_there, losses, rtol=1e-4)
    for name, a in net.state_dict().items():
        there = net_there.state_dict()[name].get()
        np.testing.assert_allclose(there, a, rtol=1e-3, atol=1e-4, err_msg=name)


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
    losses_there, net_there = run(captured, step, lrs)
    assert losses_there == losses
    for name, a in net.items():
        assert np.array_equal(net_there[name], a), name


def test_a_step_that_waits_is_refused():
    training = Training()
    for wait in (lambda: [training.step().item()], lambda: [float(training.step().data)]):
        with pytest.raises(RuntimeError, match="which a replay could not repeat"):
            mr.cuda.graph(wait)
    assert np.isfinite(training.step().item())


def test_gradcheck_on_the_gpu():
    with mr.use_backend("cuda"):
        x = np.random.default_rng(0).standard_normal((2, 3, 6, 5))
        for layer in (mr.nn.Conv2d(3, 4, 3, 2, 1), mr.nn.BatchNorm2d(3), mr.nn.ReLU()):
            assert mr.gradcheck(layer, x)


def test_memory_is_told():
    x = mr.tensor(np.zeros(1 << 20, np.float32), device="cuda")
    found = mr.cuda.memory_info()
    assert found["used"] >= x.data.nbytes
    assert 0 < found["free"] <= found["total"]
    mr.cuda.synchronize()

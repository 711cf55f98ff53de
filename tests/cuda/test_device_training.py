"""Nets trained on a device: the numbers of the cpu, nothing moved behind the back, no waiting."""

import numpy as np
import pytest

import device_module
import minires as mr
import minires.functional as F
from device_array import DeviceArray, state
from minires import data, degradation, gradflow, models, nn, optim
from minires.record import Recorder
from minires_kernels.backends import kernel_for
from minires_kernels.cuda.machine.device import Device

xp = device_module.xp


@pytest.fixture(autouse=True)
def _device():
    with device_module.device():
        yield


def mlp():
    return models.mlp_stack(4, 6, skip="identity", norm="bn", in_features=12, num_classes=5, seed=0)


def conv():
    return models.resnet(8, width=2, num_classes=5, seed=0)


def batch(net, device, seed=0):
    rng = np.random.default_rng(seed)
    shape = (8, 3, 6, 6) if isinstance(net, models.resnet_cifar.CifarResNet) else (8, 12)
    x, y = rng.standard_normal(shape).astype(np.float32), rng.integers(0, 5, 8)
    return mr.tensor(x, device=device), mr.tensor(y, device=device)


def trained(make, make_optimizer, device, steps=3):
    """Return the losses and the net after some steps on different batches."""
    net = make().to(device)
    optimizer, losses = make_optimizer(net.parameters()), []
    for step in range(steps):
        x, y = batch(net, device, seed=step)
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return [loss.item() for loss in losses], net


OPTIMIZERS = {
    "sgd": lambda params: optim.SGD(params, lr=0.1),
    "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=1e-2),
    "nesterov": lambda params: optim.SGD(params, lr=0.1, momentum=0.8, nesterov=True),
    "adam": lambda params: optim.Adam(params, lr=1e-2, weight_decay=1e-2),
}


@pytest.mark.parametrize("how", OPTIMIZERS)
@pytest.mark.parametrize("make", [mlp, conv])
def test_training_gives_what_it_gives_on_the_cpu(make, how):
    with mr.use_backend("reference"):
        losses, net = trained(make, OPTIMIZERS[how], "cpu")
    losses_there, net_there = trained(make, OPTIMIZERS[how], "cuda")
    np.testing.assert_allclose(losses_there, losses, rtol=1e-5)
    state, state_there = net.state_dict(), net_there.state_dict()
    assert {type(a) for a in state_there.values()} == {DeviceArray}
    for name, a in state.items():
        there = state_there[name].get()
        np.testing.assert_allclose(there, a, rtol=2e-4, atol=2e-5, err_msg=name)
        assert there.dtype == a.dtype


@pytest.mark.parametrize("how", OPTIMIZERS)
def test_a_training_step_never_waits_for_the_device(how):
    net = conv().to("cuda")
    optimizer = OPTIMIZERS[how](net.parameters())
    x, y = batch(net, "cuda")

    def step():
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()

    step()
    before = state.waits
    step()
    assert state.waits == before


def test_a_net_moves_with_gradients_and_buffers():
    net = conv()
    x, y = batch(net, "cpu")
    F.cross_entropy(net(x), y).backward()
    before, grads = net.state_dict(), [p.grad.copy() for p in net.parameters()]
    assert net.to("cuda") is net
    assert {p.device for p in net.parameters()} == {"cuda"}
    assert {type(p.grad) for p in net.parameters()} == {DeviceArray}
    assert {type(b) for b in net.buffers()} == {DeviceArray}
    net.cuda().cpu()
    assert {type(b) for b in net.buffers()} == {np.ndarray}
    for name, a in net.state_dict().items():
        assert np.array_equal(a, before[name]), name
        assert a.dtype == before[name].dtype
    assert all(np.array_equal(p.grad, g) for p, g in zip(net.parameters(), grads, strict=True))
    assert net.to("cuda").to(np.float64).bn1.running_mean.dtype == np.float64
    for wrong in ("gpu", "int32"):
        with pytest.raises(TypeError, match="expected 'cpu', 'cuda' or a floating dtype"):
            net.to(wrong)


def test_a_graph_recorded_before_a_move_refuses_to_run_backward():
    net = nn.Linear(3, 2)
    loss = net(mr.tensor([[1.0, 2.0, 3.0]])).sum()
    net.to("cuda")
    with pytest.raises(RuntimeError, match="updated in place"):
        loss.backward()


@pytest.mark.parametrize("places", [("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "cuda")])
def test_states_are_loaded_where_the_parameters_live(places):
    nets, optimizers = [], []
    for seed, place in enumerate(places):
        net = conv().to(place)
        optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        x, y = batch(net, place, seed)
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        nets.append(net)
        optimizers.append(optimizer)
    nets[1].load_state_dict(nets[0].state_dict())
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    losses = []
    for net, optimizer, place in zip(nets, optimizers, places, strict=True):
        assert {p.device for p in net.parameters()} == {place}
        x, y = batch(net, place, 7)
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        losses.append(F.cross_entropy(net(x), y).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


# ---- SGD ----------------------------------------------------------------------------------------
class Spy:
    """The launches of kernels that write in place, watched: (name, arguments)."""

    FILES = ("add.cu", "sgd.cu", "running_statistics.cu")

    def __init__(self, monkeypatch):
        self.calls = []
        run = Device.run

        def watched(device, unit, name, dtype, grid, block, *arguments):
            if unit.file in self.FILES:
                self.calls.append((name.removesuffix("<T>"), arguments))
            run(device, unit, name, dtype, grid, block, *arguments)

        monkeypatch.setattr(Device, "run", watched)

    def of(self, name):
        return [arguments for called, arguments in self.calls if called == name]


@pytest.fixture
def spy(monkeypatch):
    return Spy(monkeypatch)


def pair(momentum=0.9, **options):
    """Return two parameters of ones with gradients of two, and their optimiser."""
    params = [nn.Parameter(xp.ones((3,), np.float32)) for _ in range(2)]
    for p in params:
        p.grad = 2 * xp.ones((3,), np.float32)
    return params, optim.SGD(params, lr=0.5, momentum=momentum, **options)


def test_a_group_moves_in_one_launch_with_options_written_once(spy):
    (p, q), sgd = pair()
    for _ in range(3):
        sgd.step()
    launches = spy.of("sgd_v2")
    assert len(spy.calls) == len(launches) == 3
    assert [np.count_nonzero(sizes.tolist()) for *_, sizes, _, _ in launches] == [2, 2, 2]
    arrays = {id(options) for *_, options in launches}
    assert len(arrays) == 1
    (options,) = sgd._options.values()
    before = state.waits
    sgd.step()
    assert state.waits == before
    sgd.param_groups[0]["lr"] = 0.0
    now = p.data.get()
    sgd.step()
    assert np.array_equal(p.data.get(), now)
    assert np.array_equal(q.data.get(), now)
    np.testing.assert_array_equal(options.get(), np.float32([0, 0.9, 0, 0, 0]))


def test_groups_and_dtypes_have_options_of_their_own(spy):
    params = [nn.Parameter(xp.ones((2,), t)) for t in (np.float32, np.float64, np.float32)]
    for p in params:
        p.grad = xp.ones((2,), p.dtype)
    sgd = optim.SGD([{"params": params[:2]}, {"params": params[2:], "lr": 0.25}], lr=0.5)
    sgd.step()
    assert [p.data.tolist() for p in params] == [[0.5, 0.5], [0.5, 0.5], [0.75, 0.75]]
    assert [options.dtype for *_, options in spy.of("sgd_v2")] == ["float32", "float64", "float32"]


def test_parameters_in_another_memory_order_move_one_by_one(spy):
    p = nn.Parameter(xp.asarray(np.ones((2, 3), np.float32)).T)
    p.grad = xp.ones((3, 2), np.float32)
    sgd = optim.SGD([p], lr=0.5, momentum=0.5)
    sgd.step()
    sgd.step()
    assert p.data.tolist() == [[-0.25, -0.25]] * 3
    assert spy.calls == []


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: xp.ones((4,), np.float32), ValueError, "gradient"),
        (lambda: xp.ones((3,), np.float64), ValueError, "float64"),
        (lambda: np.ones(3, np.float32), TypeError, "its gradient is a NumPy array"),
    ],
)
@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, momentum=0.9), optim.Adam])
def test_a_wrong_gradient_stops_a_step_before_anything_moves(make, wrong, error, message):
    params, _ = pair()
    optimizer = make(params)
    right, params[1].grad = params[1].grad, wrong()
    with pytest.raises(error, match=message):
        optimizer.step()
    assert [p.data.tolist() for p in params] == [[1, 1, 1]] * 2
    params[1].grad = right
    optimizer.step()
    assert params[0].data.tolist() == params[1].data.tolist() != [1, 1, 1]


@pytest.mark.parametrize("make", [lambda ps: optim.SGD(ps, lr=1.0, momentum=0.9), optim.Adam])
def test_an_optimiser_of_before_a_move_says_that_its_state_stayed(make):
    net = nn.Linear(3, 2)
    optimizer = make(net.parameters())
    for place in ("cpu", "cuda"):
        net.to(place)
        optimizer.zero_grad()
        net(mr.tensor([[1.0, 2.0, 3.0]], device=place)).sum().backward()
        if place == "cpu":
            optimizer.step()
    before = net.weight.data.get()
    with pytest.raises(TypeError, match="lives on the GPU"):
        optimizer.step()
    assert np.array_equal(net.weight.data.get(), before)


def forward(name, x, *arguments, **options):
    return kernel_for(name, x).forward(*arguments, **options)


def test_updates_run_where_the_arrays_are(spy):
    a = np.arange(6, dtype=np.float32)
    x = xp.asarray(a)
    with mr.use_backend("reference"):
        assert forward("add", x, x, x)[0].tolist() == (2 * a).tolist()
    assert len(spy.of("add")) == 1
    with pytest.raises(TypeError, match="lives on the GPU"):
        forward("add", x, x, a)
    options = xp.asarray(np.float32([0.5, 0, 0, 0, 0]))
    forward("sgd", x, [x], [x.copy()], [None], [False], options)
    assert x.tolist() == (a / 2).tolist()
    assert len(spy.of("sgd_v2")) == 1
    half = xp.asarray(a.astype(np.float16))  # no kernel computes in it: CuPy's own operators do
    forward("sgd", half, [half], [half.copy()], [None], [False], options.astype(np.float16))
    assert half.tolist() == (a / 2).tolist()
    assert forward("add", half, half, half)[0].tolist() == a.tolist()
    with pytest.raises(TypeError, match="lives on the GPU"):
        forward("sgd", x, [x], [a], [None], [False], options)
    with pytest.raises(TypeError, match="lives on the GPU"):
        forward("sgd", x, [x], [x], [None], [False], options.get())
    assert len(spy.calls) == 2


def test_the_emulator_runs_the_updates_of_numpy_arrays(spy):
    with mr.use_backend("reference"):
        expected = trained(mlp, OPTIMIZERS["momentum"], "cpu")[1].state_dict()
    assert not spy.calls
    with mr.use_backend("cuda-sim"):
        found = trained(mlp, OPTIMIZERS["momentum"], "cpu")[1].state_dict()
    for name, a in expected.items():
        np.testing.assert_allclose(found[name], a, rtol=2e-4, atol=2e-5, err_msg=name)
    assert {name for name, _ in spy.calls} >= {"add_into", "sgd_v2", "running_statistics"}


# ---- what surrounds training --------------------------------------------------------------------
def test_running_statistics_refuse_what_does_not_fit():
    c = [xp.ones((3,), np.float32) for _ in range(4)]
    with pytest.raises(TypeError, match="var is a NumPy array"):
        forward("running_statistics", c[0], *c[:3], np.ones(3, "f"), count=4, momentum=0.1)
    with pytest.raises(ValueError, match=r"mean is float32 of shape \(1,\)"):
        forward("running_statistics", c[0], *c[:2], c[2][:1], c[3], count=4, momentum=0.1)
    with pytest.raises(ValueError, match="both running_mean and running_var"):
        F.batch_norm(mr.tensor(np.ones((4, 3))), np.ones(3), None, training=True)


def test_a_plain_average_of_statistics_waits_and_counts():
    norm = nn.BatchNorm1d(3, momentum=None).to("cuda")
    means = []
    for seed in range(3):
        x = np.random.default_rng(seed).standard_normal((6, 3)).astype(np.float32)
        norm(mr.tensor(x, device="cuda"))
        means.append(x.mean(axis=0))
    np.testing.assert_allclose(norm.running_mean.get(), np.mean(means, axis=0), rtol=1e-5)
    assert norm.num_batches_tracked.item() == 3


def test_initial_values_are_those_of_the_cpu():
    for fill in (
        nn.init.kaiming_normal_, nn.init.uniform_, nn.init.orthogonal_, nn.init.zeros_,
        nn.init.eye_,
    ):  # fmt: skip
        here, there = (mr.tensor(np.ones((4, 4)), device=d) for d in ("cpu", "cuda"))
        for w in (here, there):
            mr.manual_seed(3)
            fill(w)
        assert np.array_equal(there.data.get(), here.data)


def test_records_are_those_of_the_cpu():
    records = {}
    for device in ("cpu", "cuda"):
        net = conv().to(device)
        x, y = batch(net, device)
        sgd = optim.SGD(net.parameters(), lr=0.1)
        with mr.use_backend("reference"), Recorder(net) as recorder:
            F.cross_entropy(net(x), y).backward()
        recorder.measure_update(sgd.step)
        records[device] = (recorder.layers, recorder.blocks)
    for here, there in zip(records["cpu"], records["cuda"], strict=True):
        for a, b in zip(here, there, strict=True):
            for field, value in vars(a).items():
                found = getattr(b, field)
                if isinstance(value, float):
                    assert found == pytest.approx(value, rel=1e-3), field
                    assert type(found) is float
                else:
                    assert found == value


def test_the_loader_gives_the_same_batches_from_the_device():
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10)
    here = data.DataLoader(x, y, batch_size=4, seed=5)
    there = data.DataLoader(xp.asarray(x), xp.asarray(y), batch_size=4, seed=5)
    for (a, b), (c, d) in zip(here, there, strict=True):
        assert np.array_equal(a, c.get())
        assert np.array_equal(b, d.get())


def test_experiments_run_on_the_device_of_the_backend():
    options = {"depths": [8], "skips": ["identity"], "norms": ["bn"], "seeds": 1, "width": 8,
               "batch_size": 32, "steps": [1]}  # fmt: skip
    with mr.use_backend("reference"):
        (here,) = gradflow.run(**options)
    with mr.use_backend("cuda"):
        (there,) = gradflow.run(**options)
    assert there.loss == pytest.approx(here.loss, rel=1e-4)
    assert there.dx_factor == pytest.approx(here.dx_factor, rel=1e-3)
    recipe = degradation.Recipe(epochs=1, batch_size=500)
    curves = []
    for name in ("reference", "cuda"):
        with mr.use_backend(name):
            curves += degradation.run(depths=[4], skips=["none"], seeds=1, width=8, recipe=recipe)
    assert curves[1].losses == pytest.approx(curves[0].losses, rel=1e-3)
    assert curves[1].errors == pytest.approx(curves[0].errors, abs=0.02)
    assert curves[1].test_error == pytest.approx(curves[0].test_error, abs=0.02)

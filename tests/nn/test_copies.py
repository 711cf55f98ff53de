"""Copies and pickles of nets, optimisers, schedulers: their state, their ties, nothing shared."""

import copy
import functools
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import nn, optim
from minires.optim.lr_scheduler import LinearWarmup, MultiStepLR, SequentialLR


def pickled(value, protocol=5):
    return pickle.loads(pickle.dumps(value, protocol))


PACKS = {
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": functools.partial(pickled, protocol=n) for n in range(2, 6)},
}


class Net(nn.Module):
    """Tied weights, a shared module, buffers, a frozen parameter and dropout."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(4, 4), nn.Linear(4, 4)
        self.decode.weight = self.encode.weight
        self.norm = nn.BatchNorm1d(4)
        self.body = nn.Sequential(self.norm, nn.ReLU(), nn.Dropout(0.25))
        self.again = self.body[0]
        self.frozen = nn.Parameter(np.full(4, 0.5, np.float32), requires_grad=False)
        self.register_buffer("nothing", None)

    def forward(self, x):
        return self.again(self.decode(self.body(self.encode(x)) * self.frozen))


def optimiser(kind, net):
    params = [
        {"params": [net.encode.weight], "lr": 0.2},
        {"params": [p for p in net.parameters() if p is not net.encode.weight]},
    ]
    if kind == "adam":
        return optim.Adam(params, lr=0.01, weight_decay=0.1)
    return optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=kind == "nesterov")


def schedule(optimizer):
    return SequentialLR(
        optimizer, [LinearWarmup(optimizer, 3), MultiStepLR(optimizer, [2], 0.5)], [3]
    )


def train(net, optimizer, scheduler, steps, rng):
    """Return the losses of some steps; all that is random comes from `rng`."""
    losses = []
    with mr.random.using(rng):
        for _ in range(steps):
            x = mr.tensor(rng.standard_normal((6, 4), np.float32))
            loss = F.mse_loss(net(x), mr.tensor(np.ones((6, 4), np.float32)))
            optimizer.zero_grad()
            loss.backward()
            nn.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
    return losses


def started(kind="momentum"):
    mr.manual_seed(0)
    net = Net()
    optimizer = optimiser(kind, net)
    everything = (net, optimizer, schedule(optimizer))
    rng = np.random.default_rng(1)
    train(*everything, 2, rng)
    return everything, rng


@pytest.mark.parametrize("kind", ["momentum", "nesterov", "adam"])
@pytest.mark.parametrize("pack", PACKS)
def test_training_goes_on_from_a_copy_bit_by_bit(pack, kind):
    everything, rng = started(kind)
    before = {k: v.copy() for k, v in everything[0].state_dict().items()}
    twin, rng_twin = PACKS[pack]((everything, rng))
    losses = train(*twin, 4, rng_twin)
    for name, value in everything[0].state_dict().items():
        assert np.array_equal(value, before[name]), f"{name} of the original has moved"
    assert train(*everything, 4, rng) == losses
    for (name, p), q in zip(everything[0].named_parameters(), twin[0].parameters(), strict=True):
        assert np.array_equal(p.data, q.data), name
        assert not np.shares_memory(p.data, q.data)


@pytest.mark.parametrize("pack", PACKS)
def test_links_are_those_of_the_original(pack):
    (net, optimizer, scheduler), _ = started()
    twin, optimizer2, scheduler2 = PACKS[pack]((net, optimizer, scheduler))
    assert twin.decode.weight is twin.encode.weight
    assert twin.again is twin.norm is twin.body[0]
    assert scheduler2.optimizer is optimizer2
    assert all(s.optimizer is optimizer2 for s in scheduler2.schedulers)
    own = {id(p) for p in twin.parameters()}
    held = [p for group in optimizer2.param_groups for p in group["params"]]
    assert {id(p) for p in held} == own
    assert set(map(id, optimizer2.state)) <= own
    assert len(optimizer2.state) == len(optimizer.state) > 0
    for p, q in zip(net.parameters(), twin.parameters(), strict=True):
        assert type(q) is nn.Parameter
        assert p.requires_grad == q.requires_grad
        assert p.grad is None or (np.array_equal(p.grad, q.grad) and p.grad is not q.grad)
        assert p.data.strides == q.data.strides


@pytest.mark.parametrize("pack", PACKS)
def test_gradients_of_a_copy_are_its_own(pack):
    """The copied leaf once kept a reference to the original, which received its gradients."""
    net = nn.Linear(2, 1)
    net(mr.tensor([[1.0, 2.0]])).sum().backward()
    twin = PACKS[pack](net)
    kept = net.weight.grad.copy()
    twin.zero_grad()
    twin(mr.tensor([[3.0, 4.0]])).sum().backward()
    assert np.array_equal(net.weight.grad, kept)
    assert twin.weight.grad.tolist() == [[3.0, 4.0]]


@pytest.mark.parametrize("pack", PACKS)
def test_modes_buffers_and_plain_attributes(pack):
    (net, *_), _ = started()
    net.eval()
    net.norm.train()
    net.notes = {"epoch": [3]}
    net.frozen.data.flags.writeable = True
    twin = PACKS[pack](net)
    assert [m.training for m in twin.modules()] == [m.training for m in net.modules()]
    assert twin.nothing is None
    assert twin.notes == {"epoch": [3]}
    assert twin.notes is not net.notes
    twin.norm.running_mean[:] = 7
    assert not (net.norm.running_mean == 7).any()
    assert int(twin.norm.num_batches_tracked) == int(net.norm.num_batches_tracked) > 0
    twin.register_buffer("late", np.ones(2))
    twin.extra = nn.ReLU()
    assert not hasattr(net, "late")
    assert not hasattr(net, "extra")


def add_one(module, inputs, y):
    return y + 1


def test_hooks_are_copied_and_then_each_module_has_its_own():
    net, x = nn.Identity(), mr.tensor([1.0])
    handle = net.register_forward_hook(add_one)
    for pack in (copy.copy, copy.deepcopy, pickled):
        twin, handle2 = pack(net), None
        if pack is not copy.copy:
            twin, handle2 = pack((net, handle))
        assert twin(x).item() == 2
        extra = twin.register_forward_hook(add_one)
        assert twin(x).item() == 3
        assert net(x).item() == 2
        extra.remove()
        if handle2 is not None:
            handle2.remove()
            assert twin(x).item() == 1
        assert net(x).item() == 2
    handle.remove()
    assert net(x).item() == 1


def test_a_shallow_copy_shares_values_but_no_names():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    twin = copy.copy(net)
    assert twin[0] is net[0]
    twin.append(nn.Identity())
    twin[1] = nn.Tanh()
    assert [type(m) for m in net] == [nn.Linear, nn.ReLU]
    layer = copy.copy(net[0])
    assert layer.weight is net[0].weight
    layer.bias = None
    assert net[0].bias is not None


def doubled(self, x):
    return 2 * nn.Linear.forward(self, x)


@pytest.mark.parametrize("pack", ["deepcopy", "pickle 5"])
def test_a_forward_set_on_the_instance_is_that_of_the_copy(pack):
    net, x = nn.Linear(1, 1, bias=False), mr.tensor([[1.0]])
    net.forward = functools.partial(doubled, net)
    twin = PACKS[pack](net)
    twin.weight.update_(np.full((1, 1), 5.0))
    assert twin(x).item() == 10
    assert net(x).item() == pytest.approx(2 * net.weight.item())


def test_a_copy_made_between_forward_and_backward_leaves_both_right():
    net, x = nn.Linear(2, 1), mr.tensor([[1.0, 2.0]])
    y = net(x).sum()
    twin = copy.deepcopy(net)
    twin.weight.update_(np.zeros((1, 2)))  # an update of the copy is none of the original
    y.backward()
    assert net.weight.grad.tolist() == [[1.0, 2.0]]
    assert twin.weight.grad is None
    y = twin(x).sum()
    twin.weight.update_(np.ones((1, 2)))
    with pytest.raises(RuntimeError, match="updated in place"):
        y.backward()


def test_an_optimiser_alone_takes_its_parameters_along():
    (net, optimizer, _), _ = started()
    twin = copy.deepcopy(optimizer)
    before = net.state_dict()
    for group in twin.param_groups:
        for p in group["params"]:
            p.grad = np.ones(p.shape, np.float32)
    twin.step()
    for name, value in net.state_dict().items():
        assert np.array_equal(value, before[name]), name
    shallow = copy.copy(optimizer)
    assert shallow.param_groups[0]["params"][0] is net.encode.weight
    assert shallow.state is optimizer.state


def go_on(payload):
    """In another process: train, and return what comes of it."""
    everything, rng = payload
    return train(*everything, 2, rng), everything


def go_on_with_loader(payload):
    net, epoch = payload
    return [float(net(mr.tensor(x)).sum().item()) for x, _ in epoch]


def check_workers(method):
    everything, rng = started()
    x = np.random.default_rng(0).standard_normal((8, 4), np.float32)
    epoch = iter(mr.data.DataLoader(x, np.arange(8), batch_size=3))
    next(epoch)
    net = copy.deepcopy(everything[0]).eval()
    with ProcessPoolExecutor(1, mp_context=get_context(method)) as pool:
        future = pool.submit(go_on, (everything, rng))
        sums = pool.submit(go_on_with_loader, (net, epoch))
        losses, (twin, optimizer, scheduler) = future.result(240)
        assert sums.result(240) == go_on_with_loader((net, epoch))
    assert train(*everything, 2, rng) == losses
    assert twin.decode.weight is twin.encode.weight
    assert scheduler.optimizer is optimizer
    for p, q in zip(everything[0].parameters(), twin.parameters(), strict=True):
        assert np.array_equal(p.data, q.data)


def test_spawned_workers_go_on():
    check_workers("spawn")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_other_workers_go_on(method):
    check_workers(method)


MODELS = {
    "resnet": lambda: mr.models.resnet(8, width=4, shortcut="B", seed=0),
    "plain": lambda: mr.models.plain(8, width=4, activation="tanh", seed=0),
    "mlp": lambda: mr.models.mlp_stack(4, 8, skip="identity", norm="bn", seed=0),
    "bottleneck": lambda: mr.models.imagenet_resnet(50, width=4, num_classes=10, seed=0),
}


@pytest.mark.parametrize("pack", ["deepcopy", "pickle 5"])
@pytest.mark.parametrize("name", MODELS)
def test_models_are_copied(name, pack):
    net = MODELS[name]()
    twin = PACKS[pack](net)
    assert repr(twin) == repr(net)
    state = twin.state_dict()
    for key, value in net.state_dict().items():
        assert np.array_equal(value, state[key]), key
    assert not {id(p) for p in net.parameters()} & {id(p) for p in twin.parameters()}

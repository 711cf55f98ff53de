"""The same of PyTorch models: healthy ones, sick ones, shared cells, blocks; nothing is changed."""

import copy

import numpy as np
import pytest

from minires import data, gradflow, nn

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
import nets_of_pytorch as pytorch  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small nets: threads would wait for each other, the longer the more tests run beside."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


digits = data.load_digits()
X, Y = digits.x_train[:128], digits.y_train[:128]


def seeds(thorough):
    return (0, 1, 2) if thorough else (0,)


def of_torch(make, seed):
    torch.manual_seed(seed)
    net = make()
    return gradflow.profile(net, X, Y)


@pytest.mark.parametrize("name", pytorch.HEALTHY)
def test_healthy_pytorch_models_are_called_healthy(name, thorough):
    for seed in seeds(thorough):
        found = of_torch(pytorch.HEALTHY[name], seed)
        assert found.diagnosis.healthy, found.diagnosis
        assert found.framework == "PyTorch"


@pytest.mark.parametrize("name", pytorch.SICK)
def test_what_ails_a_pytorch_model_is_found(name, thorough):
    make, expected = pytorch.SICK[name]
    for seed in seeds(thorough):
        found = of_torch(make, seed).diagnosis
        assert expected in {f.name for f in found.findings}, found


def test_a_model_of_pytorch_is_left_as_it_was():
    torch.manual_seed(0)
    net = torch.nn.Sequential(pytorch.ResNet(pytorch.Basic, [1, 1]), torch.nn.Dropout(0.5))
    adam = torch.optim.Adam(net.parameters(), lr=0.1)
    net(torch.tensor(X)).sum().backward()
    before = copy.deepcopy((net.state_dict(), [p.grad for p in net.parameters()]))
    numbers = torch.get_rng_state()
    first = gradflow.profile(net, torch.tensor(X), torch.tensor(Y), optimizer=adam)
    second = gradflow.profile(net, X, Y, optimizer=adam)
    assert first.rows == second.rows
    after = net.state_dict(), [p.grad for p in net.parameters()]
    for a, b in zip(
        [*after[0].values(), *after[1]], [*before[0].values(), *before[1]], strict=True
    ):
        assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), numbers)
    assert not adam.state
    assert all(not m._forward_pre_hooks and not m._forward_hooks for m in net.modules())


def test_minires_and_pytorch_twins_have_the_same_rows():
    ours = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    theirs = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    )
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    a, b = gradflow.profile(ours, X, Y), gradflow.profile(theirs, X, Y)
    assert a.loss == pytest.approx(b.loss, rel=1e-5)
    for mine, other in zip(a.rows, b.rows, strict=True):
        assert mine["name"] == other["name"]
        for name in ("forward_rms", "w_norm", "dx_norm", "dw_norm", "dead_relu", "alike"):
            expected = other[name]
            if expected is None:
                assert mine[name] is None
            else:
                assert mine[name] == pytest.approx(expected, rel=1e-4), name


def test_calls_of_a_shared_pytorch_cell_have_parts_of_the_gradient():
    torch.manual_seed(0)
    net = pytorch.Recurrent(3)
    found = gradflow.profile(net, X, Y)
    assert [row["uses"] for row in found.rows] == [3, 3, 3, 1]
    one = gradflow.profile(net, np.concatenate([0 * X[:, :, :2], X[:, :, 2:]], 2), Y)
    assert one.rows[0]["forward_rms"] == 0
    parts = [row["dw_norm"] for row in found.rows[:3]]
    assert len(set(parts)) == 3
    torch.nn.functional.cross_entropy(net(torch.tensor(X)), torch.tensor(Y)).backward()
    both = [float(w.grad.norm()) for w in (net.cell.weight_hh, net.cell.weight_ih)]
    assert np.hypot(*both) <= sum(parts)


def test_blocks_of_a_pytorch_resnet():
    torch.manual_seed(0)
    found = gradflow.profile(pytorch.ResNet(pytorch.Basic, [2, 2]), X, Y)
    assert [b["name"] for b in found.block_rows] == [f"layers.{i}" for i in range(4)]
    streams = {row["name"]: row["stream"] for row in found.rows}
    assert [name for name in streams if not streams[name]] == [
        f"layers.{i}.conv2" for i in range(4)
    ]
    shares = [b.share for b in found.blocks]
    assert all(0.5 < share < 2 for share in shares)

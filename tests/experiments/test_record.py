"""The recorder reports what an independent computation gives, and changes nothing."""

import copy
import csv
import json
import pickle

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, nn
from minires.models.blocks import is_residual
from minires.optim import SGD
from minires.record import Recorder, norm


def batch(features=16, n=32, seed=0):
    rng = np.random.default_rng(seed)
    return mr.tensor(rng.standard_normal((n, features))), rng.integers(0, 10, n)


def test_norms_of_a_two_layer_net_by_hand():
    x, y = batch()
    net = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 10)).double()
    with Recorder(net) as recorder:
        F.cross_entropy(net(x), y).backward()
    first, last = recorder.layers
    w1, w2 = net[0].weight, net[2].weight
    h = np.maximum(x.data @ w1.data.T + net[0].bias.data, 0)
    logits = h @ w2.data.T + net[2].bias.data
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(32), y] -= 1
    dh = p / 32 @ w2.data
    dx = (dh * (h > 0)) @ w1.data
    assert [first.index, first.name, last.index, last.name] == [0, "0", 1, "2"]
    assert first.forward_rms == pytest.approx(np.sqrt((x.data**2).mean()))
    assert last.dx_norm == pytest.approx(np.sqrt((dh**2).sum()))
    assert first.dx_norm == pytest.approx(np.sqrt((dx**2).sum()))
    assert first.dw_norm == pytest.approx(np.linalg.norm(w1.grad))
    assert last.w_norm == pytest.approx(np.linalg.norm(w2.data))
    assert first.dead_relu == np.mean((h <= 0).all(axis=0))
    assert last.dead_relu is None


@pytest.mark.parametrize("skip", ["identity", "preact"])
@pytest.mark.parametrize("norm_name", ["none", "bn"])
def test_block_split_adds_up_and_is_the_skip_and_the_branch(skip, norm_name):
    x, y = batch()
    net = models.mlp_stack(6, 16, skip=skip, norm=norm_name, seed=1).double()
    with Recorder(net) as recorder:
        F.cross_entropy(net(x), y).backward()
    assert len(recorder.blocks) == 3
    stream = [layer for layer in recorder.layers if layer.stream]
    for block, layer in zip(recorder.blocks, stream, strict=False):
        total = block.skip_norm**2 + block.branch_norm**2
        total += 2 * block.cosine * block.skip_norm * block.branch_norm
        assert block.dx_norm**2 == pytest.approx(total, rel=1e-9)
        assert block.dx_norm == pytest.approx(layer.dx_norm, rel=1e-12)
    if skip == "preact":  # x + F(x): the skip path carries the gradient of the next block unchanged
        for block, after in zip(recorder.blocks, recorder.blocks[1:], strict=False):
            assert block.skip_norm == pytest.approx(after.dx_norm, rel=1e-9)


def test_recording_changes_nothing():
    x, y = batch()
    results = []
    for record in (False, True):
        net = models.mlp_stack(6, 16, skip="identity", norm="bn", seed=1)
        if record:
            with Recorder(net):
                loss = F.cross_entropy(net(mr.tensor(x.data.astype(np.float32))), y)
                loss.backward()
        else:
            loss = F.cross_entropy(net(mr.tensor(x.data.astype(np.float32))), y)
            loss.backward()
        results.append([loss.data, *(p.grad for p in net.parameters())])
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)


def test_hooks_are_gone_afterwards_also_after_an_error():
    x, _ = batch()
    net = models.mlp_stack(4, 16, skip="identity", seed=0).double()
    with pytest.raises(RuntimeError, match="on purpose"), Recorder(net) as recorder:
        raise RuntimeError("on purpose")
    net(x)
    assert recorder.layers == []


def test_conv_net_with_projection_shortcuts_and_the_first_images_gradient():
    rng = np.random.default_rng(0)
    net = models.resnet(8, width=4, shortcut="B", in_channels=1, seed=0)
    x = mr.tensor(rng.standard_normal((4, 1, 8, 8)).astype(np.float32))
    with Recorder(net) as recorder:
        F.cross_entropy(net(x), rng.integers(0, 10, 4)).backward()
    assert x.grad is None
    assert recorder.layers[0].dx_norm > 0
    assert len(recorder.blocks) == 3
    assert all(layer.dw_norm > 0 for layer in recorder.layers)
    assert sum(not layer.stream for layer in recorder.layers) == 3  # conv2 of each block


def test_update_ratio_is_that_of_the_optimiser():
    x, y = batch()
    net = nn.Sequential(nn.Linear(16, 10)).double()
    optimizer = SGD(net.parameters(), lr=0.5)
    with Recorder(net) as recorder:
        F.cross_entropy(net(x), y).backward()
    layer = recorder.layers[0]
    recorder.measure_update(optimizer.step)
    assert layer.update_ratio == pytest.approx(0.5 * layer.dw_norm / layer.w_norm)


def test_dead_units_are_counted():
    net = nn.Sequential(nn.Linear(16, 8), nn.ReLU())
    net[0].bias.update_(np.array([-1e3] * 3 + [1e3] * 5, np.float32))
    with mr.no_grad(), Recorder(net) as recorder:
        net(mr.tensor(batch()[0].data.astype(np.float32)))
    assert recorder.layers[0].dead_relu == 3 / 8
    assert recorder.layers[0].dx_norm is None


@pytest.mark.parametrize("fused", [True, False])
def test_dead_units_of_functions_and_fused_kernels_are_counted(fused):
    class Functions(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.norm, self.b = nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)

        def forward(self, x):
            return F.relu(self.b(nn.norm_act(self.norm, nn.ReLU(), self.a(x))))

    net = Functions()
    net.norm.bias.update_(np.array([-1e3] * 2 + [1e3] * 6, np.float32))
    net.b.bias.update_(np.array([-1e9] * 3 + [1e9], np.float32))
    with nn.use_fusion(fused), Recorder(net) as recorder:
        net(mr.tensor(batch()[0].data.astype(np.float32)))
    assert [layer.dead_relu for layer in recorder.layers] == [2 / 8, 3 / 4]


def test_norms_do_not_underflow_where_float32_squares_do():
    tiny = np.full(100, 1e-30, np.float32)
    assert np.linalg.norm(tiny) == 0  # the trap
    assert norm(tiny) == pytest.approx(1e-29, rel=1e-6)
    assert norm(np.full(4, 1e-200)) == pytest.approx(2e-200)
    assert norm(np.full(4, 1e200)) == pytest.approx(2e200)
    assert norm(np.array([1.0, np.inf])) == np.inf
    assert np.isnan(norm(np.array([1.0, np.nan])))


class Constant(nn.Module):
    """A module that takes no input."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(np.ones((1, 16), np.float32))

    def forward(self):
        return self.table


class Net(nn.Module):
    """Inputs by keyword, a module without inputs, a layer called twice, and one tied to it."""

    def __init__(self):
        super().__init__()
        self.start, self.twice, self.tied = Constant(), nn.Linear(16, 16), nn.Linear(16, 16)
        self.tied.weight = self.twice.weight
        self.block, self.head = Named(), nn.Linear(16, 10)

    def forward(self, *, x):
        h = F.relu(self.twice(x + self.start()))
        h = self.tied(F.relu(self.twice(h)))
        return self.head(x=self.block(scale=2, x=h))


class Named(nn.Module):
    """A user's own residual block, with inputs by keyword and no shortcut module."""

    def __init__(self):
        super().__init__()
        self.skip, self.entry = True, nn.Linear(16, 16)

    def forward(self, scale, x):
        return x + self.entry(x) * scale


def recorded(net=None):
    x, y = batch()
    net = net or Net()
    with Recorder(net) as recorder:
        F.cross_entropy(net(x=mr.tensor(x.data.astype(np.float32))), y).backward()
    return recorder


def test_inputs_by_keyword_and_modules_without_inputs():
    mr.manual_seed(0)
    recorder = recorded()
    names = [layer.name for layer in recorder.layers]
    assert names == ["start", "twice", "twice", "tied", "block.entry", "head"]
    start, first, *rest = recorder.layers
    assert start.forward_rms is None
    assert start.dx_norm is None
    assert start.dw_norm > 0
    assert all(layer.forward_rms > 0 and layer.dx_norm > 0 for layer in [first, *rest])
    (block,) = recorder.blocks
    assert block.dx_norm == pytest.approx(recorder.layers[4].dx_norm, rel=1e-6)
    assert block.skip_norm == pytest.approx(recorder.layers[5].dx_norm, rel=1e-6)


def test_rows_of_shared_weights_have_a_gradient_each_and_say_that_they_share():
    layers = {layer.name: layer for layer in recorded().layers}
    assert [layers[n].uses for n in ("start", "twice", "tied", "head")] == [1, 3, 3, 1]
    assert layers["twice"].dw_norm != layers["tied"].dw_norm


class Recurrent(nn.Module):
    """h ← tanh(V x + U h) three times, with two matrices of its own in a cell."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = Cell(), nn.Linear(4, 10)

    def forward(self, x):
        h = mr.tensor(np.zeros((len(x.data), 4)))
        for t in range(3):
            h = self.cell(x[:, t], h)
        return self.head(h)


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.v, self.u = nn.Parameter(np.eye(4) * 0.5), nn.Parameter(np.eye(4)[::-1].copy())

    def forward(self, x, h):
        return (x @ self.v + h @ self.u).tanh()


def test_each_call_of_a_shared_layer_has_its_own_part_of_the_gradient():
    x = np.random.default_rng(0).standard_normal((5, 3, 4))
    net = Recurrent().double()
    with Recorder(net) as recorder:
        F.cross_entropy(net(mr.tensor(x)), np.arange(5)).backward()
    calls = recorder.layers[:3]
    assert [layer.uses for layer in recorder.layers] == [3, 3, 3, 1]
    assert recorder.blocks == []  # V x + U h is no residual sum
    for t, layer in enumerate(calls):  # the same gradient, with a copy of the weights for this call
        cell, twin = Cell().double(), Recurrent().double()
        twin.load_state_dict(net.state_dict())
        h = mr.tensor(np.zeros((5, 4)))
        for s in range(3):
            h = (cell if s == t else twin.cell)(mr.tensor(x[:, s]), h)
        F.cross_entropy(twin.head(h), np.arange(5)).backward()
        expected = np.hypot(norm(cell.v.grad), norm(cell.u.grad))
        assert layer.dw_norm == pytest.approx(expected, rel=1e-12)
        assert layer.w_norm == pytest.approx(np.hypot(norm(cell.v.data), norm(cell.u.data)))


class OwnResidual(nn.Module):
    """x + F(x) without a word about it, in either order, and a projection around the last."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 6), nn.Linear(6, 6)
        self.c, self.d, self.side = nn.Linear(6, 6), nn.Linear(6, 4), nn.Linear(6, 4)

    def forward(self, x):
        x = x + self.b(F.relu(self.a(F.relu(x))))
        return F.relu(self.d(F.relu(self.c(x))) + self.side(x))


def test_residual_sums_of_own_modules_are_found():
    rng = np.random.default_rng(0)
    x = mr.tensor(rng.standard_normal((9, 6)), requires_grad=True)
    net = nn.Sequential(OwnResidual().double())
    with Recorder(net) as recorder:
        F.cross_entropy(net(x * 2), np.arange(9) % 4).backward()
    first, second = recorder.blocks
    assert [first.name, second.name] == ["0", "0"]
    streams = {layer.name: layer.stream for layer in recorder.layers}
    assert streams == {"0.a": True, "0.b": False, "0.c": True, "0.d": False, "0.side": True}
    own, z = net[0], 2 * x.data
    h = own.b(F.relu(own.a(F.relu(mr.tensor(z))))).data
    assert (
        first.stream_rms == recorder.layers[0].forward_rms == pytest.approx(np.sqrt((z**2).mean()))
    )
    assert first.branch_rms == pytest.approx(np.sqrt((h**2).mean()))
    assert first.share == first.branch_rms / first.stream_rms
    assert first.dx_norm == recorder.layers[0].dx_norm == pytest.approx(norm(x.grad) / 2)
    side = own.side(mr.tensor(z + h)).data
    assert second.stream_rms == pytest.approx(np.sqrt((side**2).mean()))
    assert second.dx_norm is None  # its input is not one of the summed values


@pytest.mark.parametrize("order", ["original", "preact", "relu-before-add", "bn-after-add"])
@pytest.mark.parametrize("arch", ["mlp", "conv"])
def test_shares_of_blocks_are_those_of_their_sums(arch, order):
    if arch == "mlp":
        net = models.mlp_stack(4, 16, "identity", "bn", order=order, seed=0)
        x, y = batch()
    else:
        net = models.resnet(8, width=4, in_channels=1, shortcut="B", order=order, seed=0)
        x, y = mr.tensor(np.random.default_rng(0).standard_normal((8, 1, 8, 8))), np.arange(8)
    x = mr.tensor(x.data.astype(np.float32))
    rows = []
    for fused in (True, False):
        with nn.use_fusion(fused), Recorder(net) as recorder:
            F.cross_entropy(net(x), y).backward()
        rows.append([(b.stream_rms, b.branch_rms) for b in recorder.blocks])
    assert len(rows[0]) == (2 if arch == "mlp" else 3)
    np.testing.assert_allclose(*rows, rtol=1e-3)
    assert all(0.1 < b.share < 10 for b in recorder.blocks)


def test_flat_outputs_of_tanh_and_sigmoid_are_counted():
    net = nn.Sequential(nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid())
    net[0].bias.update_(np.array([-20, 20, 0, 0], np.float32))
    net[2].weight.update_(np.zeros((4, 4), np.float32))
    net[2].bias.update_(np.array([9, -5.9, -6.1, 5.9], np.float32))
    with mr.no_grad(), Recorder(net) as recorder:
        net(mr.tensor(batch()[0].data.astype(np.float32)))
    assert [layer.saturated for layer in recorder.layers] == [0.5, 0.5]


def test_blocks_are_recognised_by_their_attributes():
    assert is_residual(Named())
    assert is_residual(models.BasicBlock(4, 4))
    assert not is_residual(models.BasicBlock(4, 4, skip=False))
    assert not is_residual(nn.Linear(2, 2))
    with pytest.raises(TypeError):  # from Python 3.12 on it would see no submodule of a user's
        isinstance(Named(), models.Residual)


def block_and_input():
    x = batch()[0].data.astype(np.float32)
    return Named(), mr.tensor(x, requires_grad=True)


def test_a_later_backward_changes_no_finished_record():
    block, x = block_and_input()
    with Recorder(block) as recorder:
        loss = block(2, x).sum()
        loss.backward(retain_graph=True)
    rows, blocks = recorder.rows(), copy.deepcopy(recorder.blocks)
    (3 * loss).backward()
    (block(5, x) * 7).sum().backward()
    assert recorder.rows() == rows
    assert recorder.blocks == blocks


@pytest.mark.parametrize("own", [True, False])
def test_two_calls_on_one_input_have_a_record_each(own):
    block, x = block_and_input()
    given = x if own else x * 1
    with Recorder(block) as recorder:
        block(2, given).sum().backward(retain_graph=True)
        (block(2, given) * 3).sum().backward()
    first, second = recorder.blocks
    for name in ("dx_norm", "skip_norm", "branch_norm"):
        assert getattr(second, name) == pytest.approx(3 * getattr(first, name), rel=1e-5)
    assert recorder.layers[1].dx_norm == pytest.approx(3 * recorder.layers[0].dx_norm, rel=1e-5)


def test_a_branch_without_part_in_the_loss_has_a_gradient_of_zero():
    block, x = block_and_input()
    block.forward = lambda x: (x * 1, block.entry(x))
    with Recorder(block) as recorder:
        block(x)[0].sum().backward()
    (record,) = recorder.blocks
    assert record.branch_norm == 0
    assert record.dx_norm == record.skip_norm == pytest.approx(np.sqrt(x.size))


def test_an_entry_called_by_itself_is_a_layer_and_no_block():
    block, x = block_and_input()
    with Recorder(block) as recorder:
        block.entry(x).sum().backward()
        assert recorder.blocks == []
        block(2, x).sum().backward()
        (record,) = copy.deepcopy(recorder.blocks)
        (block.entry(x) * 5).sum().backward()
    assert recorder.blocks == [record]
    assert len(recorder.layers) == 3


def test_without_gradients_nothing_waits_for_a_later_backward():
    block, x = block_and_input()
    y = x * 1
    with Recorder(block) as recorder:
        with mr.no_grad():
            block(2, y)
        y.sum().backward()
    assert recorder.layers[0].dx_norm is None
    assert recorder.blocks[0].dx_norm is None


@pytest.mark.parametrize(
    "twin",
    [
        copy.copy,
        copy.deepcopy,
        lambda r: pickle.loads(pickle.dumps(r)),
    ],
)
def test_copies_keep_their_rows_and_record_by_themselves(twin):
    net = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 10)).double()
    x, y = batch()
    with Recorder(net) as recorder:
        F.cross_entropy(net(x), y).backward()
        with pytest.raises(RuntimeError, match="after its `with` block"):
            twin(recorder)
    other = twin(recorder)
    rows = recorder.rows()
    assert other.rows() == rows
    with other:
        other.model(x)
    assert len(other.layers) == 2
    assert recorder.rows() == rows


def test_a_recorder_records_once_at_a_time():
    recorder = Recorder(Net())
    with recorder, pytest.raises(RuntimeError, match="recording already"), recorder:
        pass


def test_saving_rows_and_figure_of_an_own_net(tmp_path):
    recorder = recorded()
    assert recorder.rows()[1]["name"] == "twice"
    with open(recorder.save(tmp_path / "flow.csv"), newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [row["name"] for row in table] == [layer.name for layer in recorder.layers]
    assert float(table[1]["dx_norm"]) == recorder.layers[1].dx_norm
    document = json.loads(recorder.save(tmp_path / "flow.json").read_text(encoding="utf-8"))
    assert [len(document[k]) for k in ("layers", "blocks")] == [6, 1]
    assert recorder.save(tmp_path / "flow.png").read_bytes()[:4] == b"\x89PNG"
    assert recorder.save(tmp_path / "flow.SVG").read_bytes()[:5] == b"<?xml"
    with pytest.raises(ValueError, match=r"\.csv, \.json, \.png or \.svg"):
        recorder.save(tmp_path / "flow.pkl")
    recorder.layers.clear()
    recorder.save(tmp_path / "empty.png")

"""`minires.summary`: what it counts, what it measures, and that the net stays as it was."""

import gc
import re
import textwrap

import numpy as np
import pytest

import minires as mr
from minires import models, nn
from minires.summary.layers import NAMES
from minires_kernels import memory

COUNTED = ("parameters", "frozen", "macs", "outputs", "kept")


def net_of(width=4, **options):
    return models.resnet20(width=width, seed=0, **options)


def layer(summary, path):
    return next(x for x in summary.layers if x.path == path)


def test_published_counts():
    small = mr.summary(models.resnet20(), (3, 32, 32))
    assert small.total.parameters == 269_722
    assert small.total.macs == 40_551_040
    large = mr.summary(models.resnet18(), (3, 224, 224))
    assert large.total.parameters == 11_689_512
    assert round(large.total.macs / 1e9, 3) == 1.814
    assert layer(large, "layer4.0").outputs == ((1, 512, 7, 7),)


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_the_rows_add_up_to_the_total(block):
    depth = {"basic": 20, "bottleneck": 29}[block]
    net = models.resnet(depth, width=4, block=block, branch_scale="skipinit", seed=0)
    found = mr.summary(net, (3, 16, 16), batch=2, repeats=1)
    for name in NAMES:
        rows = sum(row[name] for row in found.rows())
        assert rows == pytest.approx(getattr(found.total, name), rel=1e-12), name
    assert found.total.parameters == sum(p.size for p in net.parameters())
    assert found.total.seconds > 0


def test_what_is_kept_is_what_the_memory_holds():
    net, x = net_of(16), mr.tensor(np.ones((32, 32, 32, 3), np.float32).transpose(0, 3, 1, 2))
    found = mr.summary(net, x)
    gc.collect()
    before = memory.usage()["used"]
    y = net(x)
    held = memory.usage()["used"] - before
    assert y.requires_grad
    assert found.total.kept == pytest.approx(held, rel=0.02)


def test_what_is_kept_grows_with_the_batch_and_shrinks_with_what_is_frozen():
    one, four = (mr.summary(net_of(), (3, 16, 16), batch=n).total.kept for n in (2, 8))
    assert four == pytest.approx(4 * one, rel=0.02)
    net = net_of()
    net.requires_grad_(False)
    net.fc.requires_grad_(True)
    found = mr.summary(net, (3, 16, 16), batch=2)
    assert found.total.kept < one / 50
    assert found.total.frozen == found.total.parameters - net.fc.weight.size - net.fc.bias.size
    assert found.memory["gradients"] == 4 * (found.total.parameters - found.total.frozen)


def test_a_fused_block_is_measured_as_it_trains():
    found = mr.summary(net_of(16), (3, 32, 32), batch=8)
    with nn.use_fusion(False):
        unfused = mr.summary(net_of(16), (3, 32, 32), batch=8)
    assert [o.name for o in layer(found, "layer1.0.bn2").operations.values()] == ["BatchNormReLU"]
    assert unfused.total.outputs > 1.5 * found.total.outputs
    assert unfused.total.macs == found.total.macs
    assert "bn2+act2    BatchNorm2d+add+ReLU" in str(found)


class Several(nn.Module):
    """Two inputs, a shared layer, a parameter of its own, a layer that never runs."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 3), nn.Linear(5, 3)
        self.shared = nn.Linear(3, 3)
        self.again = self.shared
        self.scale = nn.Parameter(np.ones(3, np.float32))
        self.never = nn.Linear(3, 9)
        self.identity = nn.Identity()

    def forward(self, x, y):
        z = self.a(x) + self.b(y)
        return {"first": self.again(self.shared(z)) * self.scale, "second": self.identity(z)}


def test_a_net_of_any_kind():
    net = Several()
    net.b.weight = net.b.weight
    found = mr.summary(net, (4,), (5,), batch=3)
    assert found.total.parameters == sum(p.size for p in net.parameters()) == 84
    assert found.total.macs == 12 + 15 + 2 * 9
    assert layer(found, "shared").runs == 2
    assert layer(found, "again").same == "shared"
    assert layer(found, "again").own.parameters == 0
    text = str(found)
    assert "runs 2 times" in text
    assert "Linear, is shared again" in text
    assert "Linear, did not run" in text
    assert "scale   Parameter" in text
    assert "identity" not in text
    given = mr.summary(net, np.ones((3, 4), np.float32), mr.tensor(np.ones((3, 5), np.float32)))
    assert given.total == found.total


def test_each_operation_has_its_time():
    found = mr.summary(Several(), (4,), (5,), batch=64, repeats=3)
    own = found.layers[0]
    for name in ("Add", "Mul"):
        assert own.operations[name].figures.forward > 0
        assert own.operations[name].figures.backward > 0
    assert own.own.forward > sum(o.figures.forward for o in own.operations.values())
    for path in ("a", "b", "shared"):
        assert layer(found, path).own.forward > 0
        assert layer(found, path).own.backward > 0
    assert layer(found, "never").own.seconds == 0


def test_tied_parameters_count_once():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    found = mr.summary(net, (3,))
    assert [row["parameters"] for row in found.rows()] == [0, 12, 3]


def test_nets_without_parameters_and_in_float64():
    assert mr.summary(nn.Sequential(nn.Flatten(), nn.ReLU()), (4, 2, 2)).total.parameters == 0
    assert "Flatten" in str(mr.summary(nn.Flatten(), (4, 2, 2)))
    double = mr.summary(net_of().double(), (3, 16, 16), batch=2)
    single = mr.summary(net_of(), (3, 16, 16), batch=2)
    assert double.dtype == "float64"
    assert double.memory["parameters"] == 2 * single.memory["parameters"]
    assert double.total.kept == pytest.approx(2 * single.total.kept, rel=1e-3)


def test_the_net_stays_as_it_was():
    net = net_of()
    net.eval()
    net.layer1.train()
    net.conv1.weight.grad = grad = np.ones_like(net.conv1.weight.data)
    before, modes = net.state_dict(), [m.training for m in net.modules()]
    random = mr.random.get_rng_state()
    mr.summary(net, (3, 16, 16), batch=2, repeats=1)
    assert [m.training for m in net.modules()] == modes
    assert all(np.array_equal(before[k], v) for k, v in net.state_dict().items())
    assert net.conv1.weight.grad is grad
    assert net.fc.weight.grad is None
    assert mr.random.get_rng_state() == random
    assert not any(m.hooked for m in net.modules())


def test_within_no_grad_it_measures_training_all_the_same():
    with mr.no_grad():
        inside = mr.summary(net_of(), (3, 16, 16), batch=2)
    assert inside.total == mr.summary(net_of(), (3, 16, 16), batch=2).total


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [
        (lambda: mr.summary(net_of(), (1, 32, 32)), ValueError, r"layer conv1, Conv2d.*1×1×32×32"),
        (lambda: mr.summary(net_of(), (2, 3, 32, 32)), ValueError, "without the batch"),
        (lambda: mr.summary(Several(), (4,), (6,)), ValueError, r"layer b, Linear\(5, 3"),
        (lambda: mr.summary(Several(), (4,)), ValueError, "the net itself, Several.*argument"),
        (lambda: mr.summary(Several, (4,)), TypeError, "with brackets"),
        (lambda: mr.summary("resnet20", (4,)), TypeError, "expected a Module, got str"),
        (lambda: mr.summary(net_of()), TypeError, r"the shape of one input, e.g. \(3, 32, 32\)"),
        (lambda: mr.summary(net_of(), "3x32x32"), TypeError, "such as"),
        (lambda: mr.summary(net_of(), (3, 0, 32)), ValueError, "at least 1, got 0"),
        (lambda: mr.summary(net_of(), (3, 1.5, 32)), (TypeError, ValueError), "side of the input"),
        (lambda: mr.summary(net_of(), (3, 32, 32), batch=0), ValueError, "batch"),
        (lambda: mr.summary(net_of(), (3, 32, 32), batch=10**8), MemoryError, "smaller batch"),
        (lambda: mr.summary(Several(), (4,), np.ones((2, 5))), TypeError, "some of both"),
        (lambda: mr.summary(Several(), np.ones((3, 4)), np.ones((2, 5))), ValueError, "one length"),
    ],
)
def test_wrong_calls(call, error, told):
    with pytest.raises(error, match=told):
        call()


def test_a_batch_with_which_training_cannot_run():
    found = mr.summary(models.mlp_stack(4, 8, norm="bn"), (8,))
    assert "at least 2 values per channel" in found.reason
    assert found.total.macs == 336
    assert "unknown, because training cannot run" in str(found)
    assert mr.summary(models.mlp_stack(4, 8, norm="bn"), (8,), batch=2).reason == ""


# ---- the text -----------------------------------------------------------------------------------
def test_equal_blocks_are_one_line_and_long_nets_fit_a_screen():
    text = mr.summary(models.resnet(302, width=2, seed=0), (3, 8, 8)).text()
    assert re.search("0 … 49 +50 × BasicBlock", text)
    assert re.search("1 … 49 +49 × BasicBlock", text)
    assert len(text.splitlines()) < 55
    flat = nn.Sequential(*(f() for _ in range(9) for f in (lambda: nn.Linear(4, 4), nn.ReLU)))
    assert "0 … 17  9 × (Linear – ReLU), each:" in str(mr.summary(flat, (4,)))


class Dense(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, 2)

    def forward(self, x):
        return mr.concat([x, self.linear(x)], 1)


def test_blocks_that_grow_are_one_line():
    net = nn.Sequential(*(Dense(4 + 2 * i) for i in range(6)))
    found = mr.summary(net, (4,))
    first = found.text(depth=1).splitlines()[4]
    assert first.startswith("0 … 5  6 × Dense  16")
    assert f"{found.total.parameters:,}" in first


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_it_fits_the_width(width):
    text = mr.summary(net_of(), (3, 32, 32), batch=2, repeats=1).text(width=width)
    assert max(map(len, text.splitlines()[3:])) <= width


def test_plain_characters_keep_the_columns():
    found = mr.summary(net_of(), (3, 16, 16))
    text, plain = found.text(), found.text(ascii=True)
    assert plain.isascii()
    assert list(map(len, text.splitlines())) == list(map(len, plain.splitlines()))


def test_the_text_of_a_small_net():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2, padding=1, groups=1, bias=False), nn.Flatten())
    expected = """\
        small, Sequential, input 3×8×8, batch 2, float32

        layer  type           output  parameters    MACs  kept              of MACs
        ───────────────────────────────────────────────────────────────────────────
        0      Conv2d 3×3 /2  8×4×4          216  3.46 k     -  ██████████  100.0 %
        1      Flatten        128              -       -     -                    -
        """
    found = mr.summary(net, (3, 8, 8), batch=2, name="small")
    assert str(found).startswith(textwrap.dedent(expected))

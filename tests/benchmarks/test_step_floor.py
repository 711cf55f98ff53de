"""The floor of a training step: its arithmetic is counted right, where a hand can count."""

import json

import numpy as np
import pytest

import minires.functional as F
from benchmarks import limits, nets, peers, step, step_floor
from minires import nn, tensor
from minires_kernels import Kernel


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """No peers, whatever is installed; instant limits."""
    monkeypatch.setattr(peers, "torch", lambda: None)
    monkeypatch.setattr(peers, "jax", lambda: None)
    monkeypatch.setattr(limits, "SIZES", (64,))
    monkeypatch.setattr(limits, "TRIAD_BYTES", 12 << 10)
    monkeypatch.setattr(limits, "CACHE_BYTES", (6 << 10,))
    limits._measure.cache_clear()
    yield
    limits._measure.cache_clear()


def test_winograd_needs_a_quarter_of_the_products_of_whole_tiles():
    x, w, y = (2, 16, 8, 8), (32, 16, 3, 3), (2, 32, 8, 8)
    direct, none = step_floor.convolution(x, w, y, "y", winograd=False)
    assert (direct, none) == (2 * 2 * 64 * 32 * 16 * 9, 0)
    products, transforms = step_floor.convolution(x, w, y, "y", winograd=True)
    assert products == direct / 4
    assert transforms == 2 * (2 * 4) * (156 * 16 + 100 * 32)  # 8 tiles
    both, _ = step_floor.convolution(x, w, y, "dx dw", winograd=True)
    assert both == 2 * products
    cut, _ = step_floor.convolution((2, 16, 5, 5), w, (2, 32, 5, 5), "y", winograd=True)
    assert cut == products  # a tile that is not full costs as much as one that is


def test_the_products_of_layers_are_counted_forward_and_back():
    rng = np.random.default_rng(0)
    x = tensor(rng.standard_normal((6, 5), dtype=np.float32))
    w = tensor(rng.standard_normal((7, 5), dtype=np.float32), requires_grad=True)
    v = tensor(rng.standard_normal((3, 7), dtype=np.float32), requires_grad=True)
    select = Kernel.select
    F.linear(F.relu(F.linear(x, w)), v).sum().backward()  # calls that are known are counted, too
    w.grad = v.grad = None
    with step_floor.counted() as work:
        F.linear(F.relu(F.linear(x, w)), v).sum().backward()
    assert Kernel.select is select
    # forward and dw of both layers, dx of the second
    assert work.products == 2 * 6 * (2 * 7 * 5 + 3 * 3 * 7)
    assert work.calls == 6
    assert work.transforms == 0


def test_the_images_of_a_net_get_no_gradient_and_nothing_is_counted_for_it():
    rng = np.random.default_rng(0)
    x = tensor(rng.standard_normal((2, 3, 6, 6), dtype=np.float32))
    w = tensor(rng.standard_normal((4, 3, 3, 3), dtype=np.float32), requires_grad=True)
    with step_floor.counted() as work:
        F.conv2d(x, w, padding=1, stride=2).sum().backward()
    assert work.products == 2 * (2 * 2 * 9 * 4 * 27)  # y and dw of 2 × 3 × 3 places
    images, weights, y = 2 * 3 * 36 * 4, 4 * 27 * 4, 2 * 4 * 9 * 4
    copy = images  # in channels-last memory
    assert work.bytes == (images + copy + weights + y) + (y + images + 2 * weights)


def test_the_floor_stands_below_the_table(capsys):
    given = ["--models", "mlp", "--quick", "--rounds", "1"]
    assert step.main(given) == 0
    text = capsys.readouterr().out
    assert "mlp: products" in text
    assert "exposed" in text
    assert step.main([*given, "--json"]) == 0
    floor = json.loads(capsys.readouterr().out)["floors"]["mlp"]
    assert floor["exposed"] == pytest.approx(floor["products"] + floor["traffic"])
    assert step.main([*given, "--json", "--eval"]) == 0
    assert "floors" not in json.loads(capsys.readouterr().out)


def test_jax_is_left_out_where_it_is_not():
    assert nets.in_jax("resnet20", 2) is None
    assert list(nets.runners("mlp", 4, compiled=True)) == ["minires", "minires replayed"]


@pytest.mark.slow
def test_a_layer_as_one_kernel_counts_as_its_parts_do():
    net, (x, y) = nets.NETS["resnet20"].build(), nets.NETS["resnet20"].data(2)
    found = []
    for fused in (True, False):
        with nn.use_fusion(fused), step_floor.counted() as work:
            F.cross_entropy(net(tensor(x)), y).backward()
        found.append(work)
    assert found[0].products == found[1].products
    assert found[0].transforms == found[1].transforms
    assert found[0].calls < found[1].calls
    assert found[0].bytes < found[1].bytes

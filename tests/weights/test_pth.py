"""PyTorch's files without PyTorch: those that it wrote once, and those made by hand."""

import golden
import handmade as h
import numpy as np
import pytest

from minires import nn, weights
from minires.weights import formats

FORMATS = ("zip", "legacy")


def equal(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert found[name].shape == value.shape, name
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def written(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", FORMATS)
def test_a_state_dict(kind):
    found = weights.load(golden.FILES / f"{kind}_state.pth")
    equal(found, golden.numbers())
    assert np.shares_memory(found["conv.weight"], found["conv.row"])  # as in PyTorch
    found["repeated"][0, 0] = 5
    assert found["repeated"][1, 1] == 3


@pytest.mark.parametrize("kind", FORMATS)
def test_a_checkpoint(kind):
    path = golden.FILES / f"{kind}_checkpoint.pth"
    content = formats.read(path)
    equal(content.arrays, {f"module.{k}": v for k, v in golden.numbers().items()})
    assert content.part == "state_dict"
    assert content.format == f"pth ({kind})"
    assert weights.metadata(path) == {"epoch": "3", "arch": "resnet18"}
    assert set(content.beside) == {
        "epoch", "arch", "best_acc1", "args", "optimizer", "state_dict_ema",
    }  # fmt: skip
    equal(weights.load(path, "state_dict_ema"), {"conv.weight": np.zeros(1, np.float32)})
    with pytest.raises(
        ValueError, match="no part 'ema'; there are '', 'state_dict', 'state_dict_ema'"
    ):
        weights.load(path, "ema")


@pytest.mark.parametrize("order", ["little", "big"])
def test_both_byte_orders(order, tmp_path):
    mark = "<" if order == "little" else ">"
    x, n, b = np.float32([1.5, -2, 3]), np.int64([1, -2]), np.uint16([0x3F80, 0xC000])
    of = {
        "x": h.tensor((3,), (1,), of=h.storage("0", 3)),
        "n": h.tensor((2,), (1,), of=h.storage("1", 2, "torch.LongStorage")),
        "b": h.tensor((2,), (1,), of=h.storage("2", 2, "torch.BFloat16Storage")),
    }
    stored = {
        "0": x.astype(f"{mark}f4").tobytes(),
        "1": n.astype(f"{mark}i8").tobytes(),
        "2": b.astype(f"{mark}u2").tobytes(),
    }
    found = weights.load(written(tmp_path / "a", h.zipped(of, stored, order=order.encode())))
    equal(found, {"x": x, "n": n, "b": np.float32([1, -2])})


def test_what_older_and_newer_versions_write(tmp_path):
    old, whole = "torch._utils._rebuild_tensor", np.float32([[1, 2, 3], [4, 5, 6]])
    pairs = h.call("collections.OrderedDict", [["w", h.tensor(by=old)]])  # Python 2
    equal(weights.load(written(tmp_path / "a", h.zipped(pairs))), {"w": whole})
    view = h.storage(view=(("1", 2, 3),))
    found = weights.load(written(tmp_path / "a", h.legacy({"w": h.tensor((3,), (1,), of=view)})))
    equal(found, {"w": np.float32([3, 4, 5])})
    bytes_of = h.storage("0", 24, "torch.storage.UntypedStorage")
    for kind, value in (("float32", whole), ("uint16", np.frombuffer(h.FLOATS, "<u2")[:6])):
        new = h.call(
            "torch._utils._rebuild_tensor_v3", bytes_of, 0, (2, 3), (3, 1), False, None,
            h.name(f"torch.{kind}"),
        )  # fmt: skip
        found = weights.load(written(tmp_path / "a", h.zipped({"w": new})))
        equal(found, {"w": value.reshape(2, 3)})
    attributes = h.call(
        "torch._tensor._rebuild_from_type_v2", h.name("torch._utils._rebuild_tensor_v2"),
        h.name("torch.Tensor"), (h.storage(), 0, (2, 3), (3, 1), False, None), {"note": 1},
    )  # fmt: skip
    equal(weights.load(written(tmp_path / "a", h.zipped({"w": attributes}))), {"w": whole})
    with_state = h.call("torch._utils._rebuild_parameter_with_state", h.tensor(), True, None, {})
    equal(weights.load(written(tmp_path / "a", h.zipped({"w": with_state}))), {"w": whole})
    packed = h.zipped({"w": h.tensor()}, method=8, order=None)
    equal(weights.load(written(tmp_path / "a", packed)), {"w": whole})


def test_which_part_is_taken(tmp_path):
    small, path = {"w": h.tensor()}, tmp_path / "a"
    for found, part in [
        ({"epoch": 1, "net": small}, "net"),
        ({"anything": small, "optimizer": {"state": small}}, "anything"),
        ({"model": {"state_dict": small}}, "model.state_dict"),
        ({"a": small, "model": small, "model_ema": small}, "model"),
        ({**small, "epoch": 3, "inner": small}, ""),
    ]:
        content = formats.read(written(path, h.zipped(found)))
        assert (content.part, list(content.arrays)) == (part, ["w"])
    assert formats.read(path).metadata == {"epoch": "3"}
    assert formats.read(path).beside == ["epoch", "inner"]


def test_into_a_net(tmp_path):
    net = nn.Sequential(nn.Linear(3, 2))
    bias = h.tensor((2,), (1,), offset=4)
    around = {"state_dict": {"module.0.weight": h.tensor(), "module.0.bias": bias}}
    assert weights.load_into(net, written(tmp_path / "a", h.zipped(around))) == ([], [])
    np.testing.assert_array_equal(net[0].weight.data, [[1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(net[0].bias.data, [5, 6])


def test_tied_storages_take_no_memory_of_their_own(tmp_path):
    """60 views of one storage of 1 MB."""
    import tracemalloc

    many = {f"w{i}": h.tensor((250_000,), (1,), of=h.storage(count=250_000)) for i in range(60)}
    path = written(tmp_path / "a", h.zipped(many, {"0": bytes(1_000_000)}))
    weights.load(path)
    tracemalloc.start()
    found = weights.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == 60
    assert peak < 5_000_000

"""Saving and loading: the same values, dtypes, shapes and bytes, whatever the arrays' memory."""

import numpy as np
import pytest

import minires as mr
from minires import models, nn, weights

FORMATS = (".safetensors", ".npz")
DTYPES = [
    "float64",
    "float32",
    "float16",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
    "bool",
]


def numbers(dtype, shape=(2, 3, 4)):
    return (np.arange(np.prod(shape)) % 5).astype(dtype).reshape(shape)


def same(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        value = np.asarray(value)
        assert found[name].dtype == value.dtype.newbyteorder("="), name
        assert found[name].shape == value.shape, name
        np.testing.assert_array_equal(found[name], value, err_msg=name)
        assert found[name].flags.writeable


@pytest.mark.parametrize("ending", FORMATS)
def test_arrays_of_every_kind_and_memory_order(ending, tmp_path):
    x = numbers("float32")
    state = {f"of {dtype}": numbers(dtype) for dtype in DTYPES} | {
        "0-d": np.float32(3),
        "scalar": 3,
        "empty": np.zeros((0, 4), np.float32),
        "transposed": x.T,
        "strided": x[:, ::2, ::-1],
        "repeated": np.broadcast_to(np.float32([[1], [2]]), (2, 5)),
        "fortran": np.asfortranarray(x),
        "channels-last": np.ascontiguousarray(numbers("float32", (2, 5, 5, 3))).transpose(
            0, 3, 1, 2
        ),
        "big-endian": x.astype(">f4"),
        "special": np.float32([np.nan, np.inf, -np.inf, -0.0, 1e-45]),
        "tensor": mr.tensor([1.5, 2.5]),
        "ü/../x.y": np.ones(1),
        "": np.ones(2),
    }
    state["tensor"] = mr.tensor([1.5, 2.5], requires_grad=True)
    path = weights.save(tmp_path / f"a{ending}", state)
    found = weights.load(path)
    same(found, state | {"tensor": np.float32([1.5, 2.5])})
    assert np.signbit(found["special"][3])


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_arrays_give_the_same_bytes(ending, tmp_path):
    state = {"b": numbers("float32"), "a": numbers("int64"), "c": np.zeros(())}
    notes = {"z": "1", "a": "2", "k": "ä\n\"'"}
    first = weights.save(tmp_path / f"a{ending}", state, notes)
    other = {k: np.array(state[k], order="F") for k in reversed(state)}
    second = weights.save(tmp_path / f"b{ending}", other, dict(reversed(notes.items())))
    assert first.read_bytes() == second.read_bytes()
    assert weights.metadata(first) == notes
    assert list(weights.load(first)) == ["a", "b", "c"]
    assert weights.metadata(weights.save(first, state)) == {}
    assert weights.load(weights.save(first, {})) == {}


def test_the_format_is_told_by_content_and_other_programs_read_the_files(tmp_path):
    from safetensors.numpy import load_file

    net = models.resnet20(width=2, seed=0)
    path = weights.save(tmp_path / "net.safetensors", net, {"k": "v"})
    found = load_file(path)
    assert {k: v.tolist() for k, v in found.items()} == {
        k: v.tolist() for k, v in net.state_dict().items()
    }
    moved = path.rename(tmp_path / "net.pth")
    same(weights.load(moved), net.state_dict())
    path = weights.save(tmp_path / "net.npz", net)
    with np.load(path, allow_pickle=False) as archive:
        assert set(archive) == set(net.state_dict())
        np.testing.assert_array_equal(archive["conv1.weight"], net.conv1.weight.data)
    same(weights.load(path.rename(tmp_path / "x.safetensors")), net.state_dict())
    same(weights.load(weights.save(tmp_path / "no_suffix", net)), net.state_dict())
    for pack in (np.savez, np.savez_compressed):
        pack(tmp_path / "numpys.npz", f=np.asfortranarray(numbers("float32")), b=numbers(">i2"))
        same(
            weights.load(tmp_path / "numpys.npz"), {"f": numbers("float32"), "b": numbers("int16")}
        )


def test_load_into(tmp_path):
    source, net = models.resnet20(width=2, seed=0), models.resnet20(width=2, seed=1)
    path = weights.save(tmp_path / "net.safetensors", source)
    assert weights.load_into(net, path) == weights.LoadedKeys([], [])
    same(net.state_dict(), source.state_dict())
    net = models.resnet20(width=2, seed=1)
    state = {f"module.{k}": v for k, v in source.state_dict().items()}
    assert weights.load_into(net, state) == ([], [])
    same(net.state_dict(), source.state_dict())
    wide = models.resnet20(width=3)
    with pytest.raises(ValueError, match=r"net\.safetensors.*expected shape \(3, 3, 3, 3\)"):
        weights.load_into(wide, path)
    state = source.state_dict() | {"extra": np.ones(1)}
    del state["fc.bias"]
    with pytest.raises(ValueError, match=r"missing: fc\.bias; unexpected: extra"):
        weights.load_into(net, state)
    assert weights.load_into(net, state, strict=False) == (["fc.bias"], ["extra"])
    with pytest.raises(TypeError, match="expected a net, got dict"):
        weights.load_into({}, path)
    with pytest.raises(TypeError, match="a path or a dict of arrays, got int"):
        weights.load_into(net, 3)


@pytest.mark.parametrize(
    ("state", "notes", "error", "message"),
    [
        ([1], None, TypeError, "a net or a dict of arrays by name, got list"),
        ({"a": "text"}, None, TypeError, "a: expected an array of float64.* got str"),
        ({"a": [[1], [1, 2]]}, None, TypeError, "a: "),
        ({"a": None}, None, TypeError, "got NoneType"),
        ({"a": 1j}, None, TypeError, "complex"),
        ({"a": np.longdouble(1)}, None, TypeError, "longdouble|float128"),
        ({3: 1.0}, None, TypeError, "names that are texts, got 3"),
        ({"__metadata__": 1.0}, None, TypeError, "__metadata__"),
        ({"\udc80": 1.0}, None, ValueError, "no text in Unicode"),
        ({"a": 1.0}, {"k": 3}, TypeError, "texts by name, got 'k': 3"),
        ({"a": 1.0}, [1], TypeError, "dict of texts, got list"),
        ({"a": 1.0}, {"k": "\udc80"}, ValueError, "no text in Unicode"),
    ],
)
@pytest.mark.parametrize("ending", FORMATS)
def test_what_cannot_be_saved(ending, state, notes, error, message, tmp_path):
    with pytest.raises(error, match=message):
        weights.save(tmp_path / f"a{ending}", state, notes)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    with pytest.raises(ValueError, match=r"'\.pth'; PyTorch reads \.safetensors"):
        weights.save(tmp_path / "a.pth", nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"\.safetensors or \.npz, got '\.bin2'"):
        weights.save(tmp_path / "a.bin2", nn.Linear(2, 2))
    with pytest.raises(OSError, match="cannot write"):
        weights.save(tmp_path, nn.Linear(2, 2))
    path = weights.save(tmp_path / "a.npz", nn.Linear(2, 2))
    before = path.read_bytes()
    with pytest.raises(TypeError):
        weights.save(path, {"a": 1.0, "b": object()})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]

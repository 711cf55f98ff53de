"""Files that PyTorch writes here and now: every format, protocol, dtype and layout."""

import io

import golden
import numpy as np
import pytest

from minires import weights

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

WAYS = [
    {},
    {"pickle_protocol": 3},
    {"pickle_protocol": 4},
    {"pickle_protocol": 5},
    {"_use_new_zipfile_serialization": False},
    {"_use_new_zipfile_serialization": False, "pickle_protocol": 5},
]


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_every_way_of_saving(options, tmp_path):
    for name, found in golden.checkpoints().items():
        path = tmp_path / name
        torch.save(found, path, **options)
        state = {k.removeprefix("module."): v for k, v in weights.load(path).items()}
        expected = golden.numbers()
        assert set(state) == set(expected)
        for key, value in expected.items():
            assert state[key].dtype == value.dtype
            np.testing.assert_array_equal(state[key], value, err_msg=key)


@pytest.mark.parametrize("old", [True, False])
def test_nets_averaged_nets_and_optimisers(old, tmp_path):
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    averaged = torch.optim.swa_utils.AveragedModel(net)
    optimiser = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    net(torch.randn(2, 3, 5, 5)).sum().backward()
    optimiser.step()
    found = {"model": net.state_dict(), "ema": averaged.state_dict(), "opt": optimiser.state_dict()}
    torch.save(found, tmp_path / "a", _use_new_zipfile_serialization=not old)
    for part, state in (("model", net.state_dict()), ("ema", averaged.state_dict())):
        arrays = weights.load(tmp_path / "a", part)
        assert list(arrays) == list(state)
        for name, value in state.items():
            np.testing.assert_array_equal(arrays[name], value.numpy(), err_msg=name)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear.*whole net"),
        (lambda: {"w": torch.zeros(2, dtype=torch.complex64)}, "ComplexFloatStorage are not read"),
        (lambda: {"w": torch.zeros(2).to(torch.float8_e4m3fn)}, "torch.float8_e4m3fn are not read"),
        (lambda: {"w": torch.eye(2).to_sparse()}, "sparse tensors are not read.*to_dense"),
        (lambda: {"w": torch.zeros(2, device="meta")}, r"\(meta\) are not read"),
        (lambda: {"w": torch.zeros(2, dtype=torch.complex64).conj().imag}, "lazily|Complex"),
        (lambda: torch.zeros(2), "one tensor without a name"),
        (lambda: [torch.zeros(2)], "holds a list"),
    ],
)
def test_what_is_refused(make, message, tmp_path):
    torch.save(make(), tmp_path / "a")
    with pytest.raises(ValueError, match=message):
        weights.load(tmp_path / "a")


def test_a_script_is_refused(tmp_path):
    file = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="jit"):
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    (tmp_path / "a").write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="TorchScript archive, which holds code"):
        weights.load(tmp_path / "a")


def test_pytorchs_own_reader_takes_our_files(tmp_path):
    from safetensors.torch import load_file

    state = golden.numbers()
    path = weights.save(tmp_path / "a.safetensors", state, {"k": "v"})
    for name, value in load_file(path).items():
        np.testing.assert_array_equal(value.numpy(), state[name], err_msg=name)

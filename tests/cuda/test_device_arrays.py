"""Where arrays live: telling, moving, refusing to mix; and what is said where there is no GPU."""

import importlib
import importlib.util
import sys
import types

import numpy as np
import pytest

import device_module
import minires as mr
from device_array import DeviceArray, state
from minires_kernels import arrays, backends, gpu, kernel
from minires_kernels.backends import kernel_for

xp = device_module.xp
ON_GPU = "lives on the GPU"


@pytest.fixture
def device():
    with device_module.device():
        yield


def test_the_stand_in_refuses_what_cupy_refuses():
    a = xp.asarray(np.ones((2, 3), np.float32))
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(a)
    for mix in (
        lambda: a + np.ones((2, 3), np.float32),
        lambda: np.ones((2, 3), np.float32) + a,
        lambda: np.add(a, np.ones((2, 3))),
        lambda: a.__setitem__(0, np.ones(3)),
        lambda: xp.where(a > 0, a, np.zeros((2, 3))),
        lambda: xp.copyto(a, np.zeros((2, 3))),
        lambda: a.__iadd__(np.zeros((2, 3))),
    ):
        with pytest.raises(TypeError, match="Unsupported type"):
            mix()
    assert not hasattr(a.flags, "carray")
    assert type(a.sum()) is DeviceArray
    assert type(np.exp(a)) is DeviceArray
    assert (a * 2).dtype == (2 * a).dtype == np.float32
    assert a.T.reshape(-1).shape == (6,)
    assert float(a.sum()) == 6


def test_places_are_told_without_importing_cupy(device):
    here, there = np.ones(3), xp.asarray(np.ones(3))
    assert (arrays.device_of(here), arrays.device_of(there)) == ("cpu", "cuda")
    assert arrays.is_array(here)
    assert arrays.is_array(there)
    assert not arrays.is_array([1.0])
    assert arrays.module_of(here) is np
    assert arrays.module_of(there) is xp
    assert arrays.to_gpu(there) is there
    assert arrays.to_host(here) is here
    assert arrays.to_device_of(here, here) is here
    assert type(arrays.to_device_of(here, there)) is DeviceArray
    assert np.array_equal(arrays.to_device_of(there, here), here)
    with pytest.raises(ValueError, match="'cpu' or 'cuda', got 'gpu'"):
        arrays.to_device(here, "gpu")


def test_without_the_device_module_its_arrays_are_no_arrays():
    there = xp.asarray(np.ones(3))
    assert not arrays.on_gpu(there)
    with pytest.raises(TypeError, match="expected an array, got DeviceArray"):
        mr.Tensor(there)


def test_transfers_can_be_forbidden(device):
    there = xp.asarray(np.ones(3))
    with arrays.transfers_forbidden("not now"):
        for move in (lambda: arrays.to_host(there), lambda: arrays.to_gpu(np.ones(3))):
            with pytest.raises(RuntimeError, match="not now"):
                move()
        assert arrays.to_gpu(there) is there
    assert arrays.to_host(there).tolist() == [1, 1, 1]


# ---- kernels ------------------------------------------------------------------------------------
def test_device_arrays_run_on_cuda_and_numpys_on_the_backend_in_use(device):
    x = np.array([-1.0, 2.0], np.float32)
    assert kernel_for("relu", x).backend == backends.current_backend()
    assert kernel_for("relu", xp.asarray(x)).backend == "cuda"
    with mr.use_backend("reference"):
        assert kernel_for("relu", xp.asarray(x)).backend == "cuda"
        assert kernel_for("relu", x).backend == "reference"
    with mr.use_backend("cuda"):
        with pytest.raises(TypeError, match=r'x\.to\("cuda"\)'):
            kernel_for("relu", x)
        with pytest.raises(TypeError, match="relu: the backend in use is cuda"):
            mr.functional.relu(mr.Tensor(x))


def on(place, *shape, dtype=np.float32):
    a = np.ones(shape, dtype)
    return xp.asarray(a) if place == "cuda" else a


@pytest.mark.parametrize(
    ("name", "shapes", "names"),
    [
        ("linear", [(2, 3), (4, 3), (4,)], ["x", "w", "b"]),
        ("conv2d", [(1, 2, 4, 4), (3, 2, 3, 3), (3,)], ["x", "w", "b"]),
        ("batch_norm", [(4, 3), (3,), (3,), (3,), (3,)], ["x", "weight", "bias", "mean", "var"]),
        ("add_relu", [(2, 3), (2, 3)], ["a", "b"]),
    ],
)
def test_kernels_refuse_arrays_of_two_places_by_name(device, name, shapes, names):
    for wrong in range(1, len(shapes)):
        for places in (("cuda", "cpu"), ("cpu", "cuda")):
            given = [on(places[i == wrong], *shape) for i, shape in enumerate(shapes)]
            with pytest.raises(TypeError, match=ON_GPU) as caught:
                kernel(name, "cuda").forward(*given)
            assert f"{names[0]} " in str(caught.value)
            assert f"{names[wrong]} " in str(caught.value)


def test_backward_refuses_a_gradient_from_elsewhere(device):
    y, *saved = kernel("relu", "cuda").forward(on("cuda", 3))
    with pytest.raises(TypeError, match="dy is a NumPy array"):
        kernel("relu", "cuda").backward(on("cpu", 3), *saved)
    y, *saved = kernel("cross_entropy", "cuda").forward(on("cuda", 3, 4), on("cuda", 3, dtype=int))
    with pytest.raises(TypeError, match=ON_GPU):
        kernel("cross_entropy", "cuda").backward(y, saved[0], np.zeros(3, int))
    with pytest.raises(TypeError, match="target is a NumPy array"):
        kernel("cross_entropy", "cuda").forward(on("cuda", 3, 4), np.zeros(3, int))


def test_checks_of_values_do_not_wait_for_the_device(device):
    logits, labels = on("cuda", 3, 4), xp.asarray(np.array([0, 9, -1]))
    x, negative = on("cuda", 4, 3), xp.asarray(-np.ones(3, np.float32))
    before = state.waits
    ce, norm = (kernel(name, "cuda").spec for name in ("cross_entropy", "batch_norm"))
    ce.check_forward(logits, labels)
    ce.check_backward(logits[:, 0], logits, labels)
    norm.check_forward(x, None, None, negative, negative)
    assert state.waits == before
    with pytest.raises(ValueError, match=r"target\[1\] is 9"):
        ce.check_forward(np.ones((3, 4)), np.array([0, 9, -1]))


# ---- what is missing ----------------------------------------------------------------------------
def stub(**cuda):
    """Return a module that looks like CuPy, with these parts of its `cuda`."""
    module = types.ModuleType("cupy")
    module.__version__, module.ndarray = "14.2.0", type("ndarray", (), {})
    module.cuda = types.SimpleNamespace(**cuda)
    return module


class CUDARuntimeError(RuntimeError):
    pass


def fails(error):
    def function(*_args):
        raise error

    return function


RUNS = {
    "is_available": lambda: True,
    "Device": device_module.Cuda.Device,
    "runtime": device_module.Cuda.runtime,
    "nvrtc": device_module.Cuda.nvrtc,
}
OLD = CUDARuntimeError("cudaErrorInsufficientDriver: CUDA driver version is insufficient\nmore")
NO_NVRTC = types.SimpleNamespace(getVersion=fails(RuntimeError('Failure finding "libnvrtc.so"')))


@pytest.mark.parametrize(
    ("cuda", "code", "words"),
    [
        (RUNS, "ok", ["stand-in, compute capability 9.0, CuPy 14.2.0"]),
        ({"is_available": lambda: False}, "no-gpu", ["finds no GPU", "nvidia-smi"]),
        ({"is_available": fails(OLD)}, "no-gpu", ["CUDARuntimeError", "driver version is insuff"]),
        (RUNS | {"Device": fails(OLD)}, "no-gpu", ["insufficient"]),
        (RUNS | {"nvrtc": NO_NVRTC}, "no-nvrtc", ["libnvrtc.so", "[ctk]"]),
    ],
)
def test_status_says_what_is_there_and_what_is_missing(monkeypatch, cuda, code, words):
    monkeypatch.setitem(sys.modules, "cupy", stub(**cuda))
    found, sentence = mr.cuda.status()
    assert found == code
    assert mr.cuda.is_available() == (code == "ok")
    assert all(word in sentence for word in words), sentence
    assert "\n" not in sentence
    if code != "ok":
        with pytest.raises(ImportError) as caught:
            backends.load("cuda")
        assert sentence in str(caught.value)
        with pytest.raises(ImportError):
            mr.use_backend("cuda")
        gpu._usable_cupy.cache_clear()
        with pytest.raises(RuntimeError) as caught:
            mr.tensor([1.0]).to("cuda")
        assert sentence in str(caught.value)
        with pytest.raises(RuntimeError):
            mr.cuda.synchronize()
        with pytest.raises(RuntimeError):
            mr.nn.Linear(2, 2).to("cuda")
        with pytest.raises(RuntimeError):
            mr.cuda.graph(lambda: None)


def test_status_without_cupy_and_with_a_broken_one(monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert mr.cuda.status()[0] == "no-cupy"
    assert "pip install" in mr.cuda.status()[1]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "a spec")
    monkeypatch.setattr(importlib, "import_module", fails(OSError("libcudart.so is missing")))
    code, sentence = mr.cuda.status()
    assert code == "broken-cupy"
    assert "libcudart.so is missing" in sentence


def test_tf32_is_off_and_can_be_switched_for_a_block():
    assert not mr.cuda.tf32_allowed()
    with mr.cuda.allow_tf32(True):
        assert mr.cuda.tf32_allowed()
        with mr.cuda.allow_tf32(False):
            assert not mr.cuda.tf32_allowed()
        assert mr.cuda.tf32_allowed()
    assert not mr.cuda.tf32_allowed()
    with pytest.raises(TypeError, match="True or False, got 1"):
        mr.cuda.allow_tf32(1)
    assert not mr.cuda.tf32_allowed()


def test_memory_and_synchronize(device):
    assert mr.cuda.memory_info() == {"free": 5, "total": 7, "used": 1, "kept": 2}
    before = state.waits
    mr.cuda.synchronize()
    assert state.waits == before + 1

"""The stand-in for CuPy's module: functions, streams, graphs, and kernels run by the emulator.

`with device_module.device():` makes `xp` the device's array module and the CUDA kernels its
backend. The arrays themselves are in device_array.py.
"""

import contextlib
import functools
import types
from typing import ClassVar

import numpy as np

import minires_emulator
from device_array import Add, DeviceArray, act, compute, state, unwrap, wait
from minires_kernels import backends, gpu
from minires_kernels.cuda.kernels import kernels_on
from minires_kernels.cuda.machine.device import Device


class Module:
    """The functions of CuPy that the framework uses."""

    ndarray = DeviceArray
    add = Add()
    __version__ = "0"
    same_name = frozenset(
        ["abs", "arange", "broadcast_to", "clip", "concatenate", "empty", "empty_like", "exp",
         "expand_dims", "flatnonzero", "full", "log", "moveaxis", "ones", "ones_like", "pad",
         "split", "sqrt", "take", "take_along_axis", "tanh", "where", "zeros", "zeros_like"]
    )  # fmt: skip

    def __getattr__(self, name):
        if name not in self.same_name:
            raise AttributeError(f"module 'cupy' has no attribute {name!r} (or it is not used yet)")
        return lambda *args, **options: compute(getattr(np, name), *args, **options)

    def asarray(self, a, dtype=None):
        if isinstance(a, DeviceArray):
            return a if dtype in (None, a.dtype) else a.astype(dtype)
        if isinstance(a, np.ndarray | list) and state.noted is None:
            wait()  # CuPy captures a copy from memory that it then gives to others: no error
        return DeviceArray(np.array(a, dtype))

    def array(self, a, dtype=None):
        return self.asarray(a, dtype).copy(order="K")

    def ascontiguousarray(self, a):
        return a if a.flags.c_contiguous else compute(lambda x: np.array(x, order="C"), a)

    def copyto(self, target, values, casting="same_kind"):
        to, given = target._values, unwrap(values)
        act(lambda: np.copyto(to, given, casting=casting))

    def put_along_axis(self, target, indices, values, axis):
        to, i, given = target._values, unwrap(indices), unwrap(values)
        act(lambda: np.put_along_axis(to, i, given, axis))

    def argsort(self, a):
        return a.argsort()

    def shares_memory(self, a, b):
        return np.shares_memory(a._values, b._values)

    def asnumpy(self, a):
        return a.get()

    def get_default_memory_pool(self):
        return MemoryPool()


xp = DeviceArray._module = Module()


# ---- xp.cuda ------------------------------------------------------------------------------------
class Stream:
    """Notes down actions between begin_capture and end_capture."""

    log: ClassVar = []

    def __init__(self, non_blocking=False):
        self.non_blocking = non_blocking

    def __enter__(self):
        self.log.append("enter")
        return self

    def __exit__(self, *_exc):
        self.log.append("exit")

    def synchronize(self):
        wait()
        self.log.append("synchronize")

    def begin_capture(self):
        if not self.non_blocking:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        self.log.append("begin")
        state.noted, state.broken = [], False

    def end_capture(self):
        self.log.append("end")
        noted, state.noted = state.noted, None
        if state.broken:
            raise RuntimeError("cudaErrorStreamCaptureInvalidated")
        return Graph(noted)


class Graph:
    def __init__(self, actions):
        self.actions = actions

    def launch(self):
        with np.errstate(all="ignore"):
            for action in self.actions:
                action()


class MemoryPool:
    def malloc(self, _size):
        raise NotImplementedError("NumPy allocates here")

    def free_all_blocks(self):
        Stream.log.append("free")

    def used_bytes(self):
        return 1

    def total_bytes(self):
        return 3


class Cuda:
    Stream, MemoryPool = Stream, MemoryPool

    class Device:
        id, compute_capability = 0, "90"

        def synchronize(self):
            wait()

    class nvrtc:
        @staticmethod
        def getVersion():
            return (13, 0)

    class runtime:
        @staticmethod
        def getDeviceProperties(_id):
            return {"name": b"stand-in"}

        @staticmethod
        def memGetInfo():
            return (5, 7)

    @staticmethod
    def is_available():
        return True

    @staticmethod
    def get_current_stream():
        return Stream()

    @staticmethod
    @contextlib.contextmanager
    def using_allocator(_allocator):
        Stream.log.append("pool")
        yield
        Stream.log.append("no pool")


Module.cuda = Cuda


# ---- kernels ------------------------------------------------------------------------------------
class RawModule:
    """The emulator's RawModule for arrays on the device; refuses NumPy's, as CuPy does."""

    def __init__(self, **arguments):
        self.module = minires_emulator.RawModule(**arguments)

    def get_function(self, name):
        kernel = self.module.get_function(name)

        def launch(grid, block, args, **options):
            given = tuple(unwrap(a) for a in args)
            act(lambda: kernel(grid, block, given, **options))

        return launch


Module.RawModule = RawModule


@functools.cache
def package():
    """The cuda backend on this device."""
    here = Device(xp, RawModule)
    return types.SimpleNamespace(DEVICE=here, KERNELS=kernels_on(here))


@contextlib.contextmanager
def device():
    """Within the block `xp` is CuPy, and the cuda backend runs on its arrays."""
    packages, cache = dict(backends._packages), dict(backends._cache)
    backends._packages["cuda"] = package()
    try:
        with gpu.use_array_module(xp):
            yield xp
    finally:
        for now, before in ((backends._packages, packages), (backends._cache, cache)):
            now.clear()
            now.update(before)
        state.noted = None

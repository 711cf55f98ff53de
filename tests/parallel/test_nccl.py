"""What NCCL is asked to do, on a stand-in for CuPy: no machine with several GPUs was at hand."""

from types import SimpleNamespace

import numpy as np
import pytest

import minires as mr
from device_array import DeviceArray
from device_module import device
from minires import nn
from minires.parallel import NCCL, Averaging
from minires.parallel.comm import Comm


class Control(Comm):
    rank, size, local = 1, 2, 1

    def gather(self, value):
        return [(b"the id", None), value]


@pytest.fixture
def log(monkeypatch):
    """What CuPy is asked for, on arrays that stand in for its own; NCCL's calls find them."""
    known, log = {}, []

    def data(a):
        address = a._values.__array_interface__["data"][0]
        known[address, a.size] = a._values
        return SimpleNamespace(ptr=address)

    monkeypatch.setattr(DeviceArray, "data", property(data), raising=False)
    with device() as module:
        monkeypatch.setattr(type(module), "cuda", names(log, known))
        yield log


def names(log, known):
    """CuPy's names; the other rank's array is always the same as this one's."""

    class Stream:
        def __init__(self, name="nccl", non_blocking=True):
            self.name, self.ptr = name, hash(name)

        def record(self):
            log.append(f"record {self.name}")
            return self.name

        def wait_event(self, event):
            log.append(f"{self.name} waits for {event}")

    class Communicator:
        def __init__(self, *arguments):
            log.append(arguments)

        def allReduce(self, send, receive, count, kind, op, stream):
            assert (send, op, stream) == (receive, "sum", hash("nccl"))
            log.append(f"allReduce {count} {kind}")
            known[send, count][...] *= 2

        def broadcast(self, send, receive, count, kind, root, stream):
            assert (send, root, stream) == (receive, 0, hash("nccl"))
            log.append(f"broadcast {count} {kind}")

    current = Stream("compute")
    nccl = {
        "NcclCommunicator": Communicator, "NCCL_SUM": "sum", "NCCL_FLOAT32": 7, "NCCL_FLOAT64": 8,
        "get_unique_id": lambda: b"of another rank",
    }  # fmt: skip
    return SimpleNamespace(
        Device=lambda i: SimpleNamespace(use=lambda: log.append(f"device {i}")),
        runtime=SimpleNamespace(getDeviceCount=lambda: 2),
        Stream=Stream,
        get_current_stream=lambda: current,
        nccl=SimpleNamespace(**nccl),
    )


def test_a_sum_runs_behind_what_was_launched_and_is_waited_for_on_the_gpu(log):
    comm = NCCL(Control())
    assert log == ["device 1", (2, b"the id", 1)]
    a = mr.tensor(np.ones(6, np.float32), device="cuda").data
    del log[:]
    pending = comm.start(a)
    assert log == ["record compute", "nccl waits for compute", "allReduce 6 7", "record nccl"]
    pending.wait()
    assert log[-1] == "compute waits for nccl"
    assert (a.get() == 2).all()
    assert comm.bytes == a.nbytes
    comm.broadcast(a)
    assert "broadcast 6 7" in log
    del log[:]
    comm.start(np.ones(2))  # on the CPU: by the other way
    assert not log


def test_what_it_cannot_do_is_refused(log):
    comm = NCCL(Control())
    with pytest.raises(TypeError, match="int8"):
        comm.start(mr.tensor(np.ones(6, np.int8), device="cuda").data)
    with pytest.raises(TypeError, match="contiguous"):
        comm.start(mr.tensor(np.ones((6, 2), np.float32), device="cuda").data.T)
    Control.local = 2
    try:
        with pytest.raises(ValueError, match="3 ranks on a machine with 2 GPUs"):
            NCCL(Control())
    finally:
        Control.local = 1


def test_gradients_are_averaged_by_the_same_code(log):
    comm, net = NCCL(Control()), nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)).to("cuda")
    x = mr.tensor(np.ones((4, 3), np.float32), device="cuda")

    def gradients():
        net.zero_grad()
        net(x).sum().backward()
        return [p.grad.get() for p in net.parameters()]

    expected = gradients()
    net.zero_grad()
    with Averaging(net.parameters(), comm, bucket_bytes=1):
        net[0].weight.register_hook(lambda g: log.append("the first layer"))
        net(x).sum().backward()
    starts = [what for what in log if what == "the first layer" or "allReduce" in what]
    assert starts[:2] == ["allReduce 1 7", "allReduce 2 7"], "the last layer goes first"
    assert starts.index("the first layer") >= 2
    for p, g in zip(net.parameters(), expected, strict=True):
        np.testing.assert_allclose(p.grad.get(), g, rtol=1e-6)  # (g + g) / 2

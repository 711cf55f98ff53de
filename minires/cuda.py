"""GPUs: what there is, waiting for them, and training steps as CUDA graphs.

    x = minires.tensor(batch, device="cuda")
    net = minires.models.resnet20().to("cuda")

Nothing here imports CuPy before it is asked to do something on a GPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from minires_kernels import arrays, checks
from minires_kernels.cuda.options import allow_tf32, tf32_allowed
from minires_kernels.cuda.status import require
from minires_kernels.cuda.status import status as _status

from . import capture
from .tensor import Tensor

__all__ = [
    "CapturedStep",
    "allow_tf32",
    "graph",
    "is_available",
    "memory_info",
    "status",
    "synchronize",
    "tf32_allowed",
]

Outputs = Tensor | tuple[Tensor, ...] | None

WAITS = (
    "the step under capture copies between the GPU and the host, which a replay could not repeat: "
    "leave .item(), .cpu(), printing, dropout, records and indices by masks or lists out of it, "
    "and have the data on the GPU"
)
REFUSED = (
    "an operation of the step cannot be captured; CuPy refuses for instance `@`, which calls "
    "cuBLAS (nn.Linear and F.linear run on kernels of our own)"
)


def status() -> tuple[str, str]:
    """Return a code and a sentence: ("ok", what the GPU is), or what is missing and what to do.

    Codes: "ok", "no-cupy", "broken-cupy", "no-gpu", "no-nvrtc".
    """
    return _status()


def is_available() -> bool:
    """Return whether kernels can run on a GPU here."""
    return _status()[0] == "ok"


def _cupy() -> Any:
    require(RuntimeError)
    return arrays.device_module()


def synchronize() -> None:
    """Wait until the GPU has done all that it was asked to do. RuntimeError without a GPU."""
    _cupy().cuda.Device().synchronize()


def memory_info() -> dict[str, int]:
    """Return bytes: `free` and `total` of the GPU; `used` by arrays and `kept` for new ones.

    `used` and `kept` are those of CuPy's own pool, without those of captured steps. Raises
    RuntimeError without a GPU.
    """
    cupy = _cupy()
    free, total = cupy.cuda.runtime.memGetInfo()
    pool = cupy.get_default_memory_pool()
    used = pool.used_bytes()
    return {"free": free, "total": total, "used": used, "kept": pool.total_bytes() - used}


class CapturedStep:
    """A training step as a CUDA graph: calling it replays the step, without any of its Python.

    It reads and writes the same arrays each time, so a batch is copied into the arrays that the
    step reads (`x.data[...] = batch`), and what it returns is overwritten by the next call. The
    options of SGD are those at the time of the call. Its arrays live as long as it does.
    """

    def __init__(
        self,
        graph: Any,
        pool: Any,
        noted: capture.Capture,
        step: Callable[[], Outputs],
        outputs: Outputs,
    ) -> None:
        self._graph, self._optimizers, self._outputs = graph, noted.optimizers, outputs
        # What holds the memory that the graph reads and writes: made in it, given to it, or found
        # by the step through what it refers to.
        self._memory = (pool, noted.arrays, step)

    def __call__(self) -> Outputs:
        """Replay the step on CuPy's current stream; return the outputs, always the same tensors."""
        for optimizer, moves in self._optimizers:
            optimizer.prepare_replay(moves)
        self._graph.launch()
        return self._outputs


def graph(step: Callable[[], Outputs], warmup: int = 3) -> CapturedStep:
    """Capture `step` as a CUDA graph, after `warmup` (at least 1) runs of it, which really train.

    `step` takes no arguments, works on arrays that stay in place, ends without waiting for the GPU,
    and returns a Tensor, a tuple of them or None. Capturing computes nothing: the outputs and
    gradients have their values after the first call of what is returned. Raises RuntimeError
    without a GPU, or for a step that copies between GPU and host; what `step` itself raises passes
    through. Then nothing has been captured, and the gradients that backward() replaced since the
    warm-up are put back.
    """
    if not callable(step):
        raise TypeError(f"graph(): expected a function that makes a step, got {step!r}")
    cupy = _cupy()
    warmup = checks.integer("warmup", warmup, 1)
    if capture.current() is not None:
        raise RuntimeError("graph(): another step is under capture, and captures cannot be nested")
    stream, pool = cupy.cuda.Stream(non_blocking=True), cupy.cuda.MemoryPool()
    cupy.cuda.get_current_stream().synchronize()  # the other stream waits for nothing by itself
    try:
        with cupy.cuda.using_allocator(pool.malloc), stream:
            for _ in range(warmup):
                _checked(step())
            stream.synchronize()
            return _captured(step, stream, pool)
    except BaseException:
        with contextlib.suppress(Exception):  # what went wrong before says more
            pool.free_all_blocks()  # those that no array is in
        raise


def _captured(step: Callable[[], Outputs], stream: Any, pool: Any) -> CapturedStep:
    """Run `step` once on the current stream, noting down what it asks of the GPU."""
    noted = capture.Capture()
    stream.begin_capture()
    try:
        with capture.running(noted), arrays.transfers_forbidden(WAITS):
            outputs = _checked(step())
        found = stream.end_capture()
    except BaseException as error:
        noted.undo()
        with contextlib.suppress(Exception):  # it fails for a capture that was broken off
            stream.end_capture()
        if "StreamCapture" in str(error):  # CUDA's own names of what a capture forbids
            raise RuntimeError(f"{WAITS} ({error})") from error
        if isinstance(error, NotImplementedError):
            raise RuntimeError(f"{REFUSED} ({error})") from error
        raise
    return CapturedStep(found, pool, noted, step, outputs)


def _checked(outputs: Any) -> Outputs:
    """Return what a step returned, detached: the graph of its history is not needed any more."""
    if outputs is None:
        return None
    given = outputs if isinstance(outputs, tuple) else (outputs,)
    for y in given:
        if not isinstance(y, Tensor) or y.device != "cuda":
            what = f"a tensor on {y.device}" if isinstance(y, Tensor) else type(y).__name__
            raise TypeError(f"graph(): a step returns tensors on the GPU or None; here is {what}")
    detached = tuple(y.detach() for y in given)
    return detached if isinstance(outputs, tuple) else detached[0]

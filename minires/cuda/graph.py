"""Training steps as CUDA graphs: `graph(step)` captures one, the result replays it.

While a step is captured nothing is computed: the device notes down what it is asked to do, and
replays it later without running any Python. So Python must not do what should happen at each
replay, and what it changes although nothing was computed is put back if the capture fails. The
capture is an Observer, and no other part of the framework knows of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from minires_kernels import arrays, checks
from minires_kernels.gpu import array_module, require

from ..observe import Observer, watchers, watching
from ..optim import SGD
from ..tensor import Tensor

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


def cupy() -> Any:
    """Return CuPy, or raise RuntimeError that says why no GPU can be used."""
    require(RuntimeError)
    return array_module()


class Capture(Observer):
    """A capture under way.

    optimizers   those whose step is part of the graph, each with what it moved
    arrays       what the step read: the graph holds their addresses, so they must stay alive
    """

    def __init__(self) -> None:
        self.optimizers: list[tuple[SGD, list[Any]]] = []
        self.arrays: list[Any] = []
        self._gradients: list[tuple[Tensor, Any]] = []
        self._made: set[int] = set()

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Any) -> None:
        """Keep what an operation reads as long as the graph."""
        self.arrays += [t.data if isinstance(t, Tensor) else t for t in inputs]

    def entering(self, module: Any, inputs: tuple[Any, ...]) -> None:
        """Raise RuntimeError for stochastic depth: each replay would drop what the capture did."""
        if module.training and getattr(module, "survival", 1) < 1:
            raise RuntimeError(
                "stochastic depth chooses in Python which branches run, and a replay would repeat "
                "one choice; use models.stochastic_depth(net, 1)"
            )

    def passing(self, node: Any, dy: Any) -> None:
        """Raise RuntimeError for a backward pass that is not on the GPU."""
        if not arrays.on_gpu(dy):
            raise RuntimeError("a step under capture must compute on the GPU; move its data there")

    def storing(self, tensor: Tensor) -> None:
        """Remember the `.grad` that a backward pass is about to replace or add to.

        Raises RuntimeError for one that was there before the step: each replay would add to it,
        and an optimiser's zero_grad() outside of the step would not stop that.
        """
        if tensor.grad is not None and id(tensor) not in self._made:
            raise RuntimeError(
                "the step under capture adds to gradients that were there before it; call "
                "zero_grad() within the step, before backward()"
            )
        self._made.add(id(tensor))
        self._gradients.append((tensor, tensor.grad))

    def stepping(self, optimizer: Any, moves: list[Any]) -> None:
        """Take an optimiser's step into the graph; raise RuntimeError for what cannot be."""
        if not isinstance(optimizer, SGD):
            raise RuntimeError(
                f"{type(optimizer).__name__} cannot be captured: its step computes with numbers of "
                "the host, which a replay would not renew; use SGD, or leave the step out of the "
                "graph"
            )
        for move in moves:
            if move.first:
                raise RuntimeError(
                    "SGD: a parameter gets its first gradient while the step is captured, and a "
                    "replay would start its velocity anew each time; give graph() more warm-up "
                    "steps"
                )
            if not _launches(move):
                p = move.data
                raise RuntimeError(
                    "SGD: a captured step moves float32 and float64 parameters on the GPU, in C "
                    f"order; here is one of {p.dtype} on {arrays.device_of(p)} with strides "
                    f"{p.strides}"
                )
        self.optimizers.append((optimizer, moves))

    def undo(self) -> None:
        """Put the gradients back: the new ones have not been computed, and never will be."""
        for tensor, grad in reversed(self._gradients):
            tensor.grad = grad


def current() -> Capture | None:
    """Return the capture under way in this thread, or None."""
    return next((watcher for watcher in watchers.get() if isinstance(watcher, Capture)), None)


def _launches(move: Any) -> bool:
    """Return whether the kernel moves this parameter in place, and not a copy of it."""
    given = [a for a in (move.data, move.velocity) if a is not None]
    plain = all(a.flags.c_contiguous and a.dtype.char in "fd" for a in given)
    return plain and arrays.on_gpu(move.data)


def _check_replay(optimizer: SGD, moves: list[Any]) -> None:
    """Raise RuntimeError if a replay would work on arrays that are no longer the optimiser's."""
    momentum = {
        id(p): group["momentum"] for group in optimizer.param_groups for p in group["params"]
    }
    for p, data, _, velocity, _ in moves:
        if p.data is not data or (velocity is not None and optimizer.velocity(p) is not velocity):
            raise RuntimeError(
                "SGD: a parameter's or its velocity's array was replaced after the capture (by "
                ".to(), .data = or load_state_dict()), and the graph has the old one; capture "
                "the step again"
            )
        if velocity is None and momentum[id(p)] != 0:
            raise RuntimeError(
                "SGD: the step was captured without momentum, and cannot have one now; capture "
                "it again"
            )


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
        noted: Capture,
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
            _check_replay(optimizer, moves)
            optimizer.write_options()  # those that the launch reads, as they are now
            for move in moves:
                move.p.mark_updated()
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
    module = cupy()
    warmup = checks.integer("warmup", warmup, 1)
    if current() is not None:
        raise RuntimeError("graph(): another step is under capture, and captures cannot be nested")
    stream, pool = module.cuda.Stream(non_blocking=True), module.cuda.MemoryPool()
    module.cuda.get_current_stream().synchronize()  # the other stream waits for nothing by itself
    try:
        with module.cuda.using_allocator(pool.malloc), stream:
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
    noted = Capture()
    stream.begin_capture()
    try:
        with watching(noted), arrays.transfers_forbidden(WAITS):
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

"""Running a net to see what it costs, and leaving it as it was."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minires_kernels.arrays import to_device

from ..grad_mode import enable_grad, no_grad
from ..nn import Module
from ..observe import watching
from ..random import using
from ..tensor import Array, Tensor
from .layers import Figures, Layer, Shape, shape_text, tensors
from .trace import Stopwatch, Tracer, under


@contextlib.contextmanager
def undisturbed(net: Module) -> Iterator[None]:
    """Put back, at the end, modes, buffers and gradients of a net, and the random numbers."""
    modes = [(module, module.training) for module in net.modules()]
    buffers = [
        (module, key, value, value.copy())
        for module in net.modules()
        for key, value in module._buffers.items()
        if value is not None
    ]
    grads = [(p, p.grad) for p in net.parameters()]
    try:
        with using(0), enable_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
        for module, key, value, before in buffers:
            value[...] = before
            module._buffers[key] = value
        for p, grad in grads:
            p.grad = grad


def look(net: Module, layers: list[Layer], inputs: Sequence[Array]) -> None:
    """Write into the layers what a pass in evaluation mode shows; `inputs` are a batch of one.

    Raises ValueError that names the layer which cannot run.
    """
    net.eval()
    tracer = Tracer(net, layers)
    given = [Tensor(x) for x in inputs]
    try:
        with no_grad(), watching(tracer):
            net(*given)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(_failed(net, tracer, inputs, error)) from error
    _settle(layers)


def _failed(net: Module, tracer: Tracer, inputs: Sequence[Array], error: Exception) -> str:
    path = tracer.stack[-1]
    layer = tracer.layers[path]
    module = net.get_submodule(path)
    named = f"layer {path}" if path else "the net itself"
    text = repr(module) if not module._modules else type(module).__name__
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    got = " and ".join(map(shape_text, layer.inputs)) or "no tensor"
    whole = " and ".join(shape_text(x.shape[1:]) for x in inputs)
    return (
        f"an input of {whole} cannot pass {named}, {text}, which got {got}: {kind}{error}. Shapes "
        "are those of one input, without the batch"
    )


def keep(net: Module, layers: list[Layer], inputs: Sequence[Array]) -> str:
    """Write into the layers what a pass in training mode keeps; return why not, if it cannot run.

    A net that was in training mode stays as it was, with what its owner has put in evaluation mode.
    """
    scratch = [Layer(x.path, x.kind, x.parent, same=x.same) for x in layers]
    tracer = Tracer(net, scratch)
    given = [Tensor(x) for x in inputs]
    owned = [p.data for p in net.parameters()] + list(net.buffers()) + list(inputs)
    try:
        with watching(tracer):
            outputs = net(*given)
    except ValueError as error:
        return str(error)
    tracer.keep(outputs, {id(under(x)) for x in owned})
    for layer, seen in zip(layers, scratch, strict=True):
        for name, operation in seen.operations.items():
            layer.own.kept += operation.figures.kept
            if name in layer.operations:
                layer.operations[name].figures.kept = operation.figures.kept
    return ""


def clock(net: Module, layers: list[Layer], inputs: Sequence[Array], repeats: int) -> None:
    """Write into the layers the median seconds of several passes forward and backward."""
    given = [Tensor(x) for x in inputs]
    found: list[Stopwatch] = []
    for _ in range(repeats + 1):  # the first one warms up
        watch = Stopwatch(net, layers)
        with watching(watch):
            outputs = net(*given)
        graded = [t for t in tensors(outputs) if t.requires_grad]
        if graded:
            loss = sum((t.sum() for t in graded[1:]), graded[0].sum())
            watch.last = time.perf_counter()
            with watching(watch):
                loss.backward()
            watch.lap(watch.backward, watch.passed)
        found.append(watch)
        net.zero_grad()
    for layer in layers:
        if not layer.same:
            for name in ("", *layer.operations):
                place = layer.path, name
                figures = layer.operations[name].figures if name else Figures()
                figures.forward = float(np.median([w.forward.get(place, 0.0) for w in found[1:]]))
                figures.backward = float(np.median([w.backward.get(place, 0.0) for w in found[1:]]))
                layer.own.forward += figures.forward
                layer.own.backward += figures.backward


def _settle(layers: list[Layer]) -> None:
    """Add the figures of the operations to those of the layers that run them."""
    for layer in layers:
        for operation in layer.operations.values():
            layer.own.add(operation.figures)


def batch_of(inputs: Sequence[Shape], batch: int, dtype: np.dtype[Any], device: str) -> list[Array]:
    """Return random inputs of some shapes, a batch of them; the same each time."""
    rng = np.random.default_rng(0)
    found = []
    for shape in inputs:
        if len(shape) == 3:  # channels-last memory, as loaders give it
            c, h, w = shape
            x = rng.standard_normal((batch, h, w, c)).astype(dtype).transpose(0, 3, 1, 2)
        else:
            x = rng.standard_normal((batch, *shape)).astype(dtype)
        found.append(to_device(x, device))
    return found


def require_memory(layers: list[Layer], batch: int) -> None:
    """Raise MemoryError if training with the batch would not fit: it keeps about all results."""
    needed = batch * layers[0].all.outputs
    free = free_memory()
    if free is not None and needed > free:
        raise MemoryError(
            f"a batch of {batch} takes about {needed / 1e9:.3g} GB, {free / 1e9:.3g} GB are free; "
            "ask for a smaller batch"
        )


def free_memory() -> int | None:
    """Return the bytes that are free, None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024 * int(text.partition("MemAvailable:")[2].split()[0])
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None

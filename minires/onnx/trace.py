"""What a net computes, as a list of steps: two runs of it are watched, and compared.

Values that come from outside of the recorded operations (from NumPy, a generator, the size of the
batch) would be frozen into the list. They show, because the runs have different images and, if the
size of the batch may change, different sizes of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from ..grad_mode import no_grad
from ..observe import Observer, watching
from ..tensor import Array, Tensor


class Value(NamedTuple):
    """What step number `step` made; the net's input is that of step -1."""

    step: int


class Stored(NamedTuple):
    """A parameter or a buffer of the net."""

    name: str


class Constant(NamedTuple):
    """An array that the net made by itself."""

    array: Array


Source = Value | Stored | Constant | int | float | None


@dataclass
class Step:
    """One call of a Function: what it is called, in which module, and on what it ran.

    shapes  those of its output in the two runs
    """

    function: type
    place: str
    sources: tuple[Source, ...]
    options: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    inputs: tuple[tuple[int, ...] | None, ...]
    shapes: tuple[tuple[int, ...], ...] = ()

    @property
    def name(self) -> str:
        return self.function.__name__

    def __str__(self) -> str:
        return f"{self.name} in {self.place or 'the net itself'}"


@dataclass
class Trace:
    """The steps of a net, the last of which makes its output."""

    steps: list[Step]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    dynamic: bool
    stored: dict[str, Array] = field(default_factory=dict)


class _Recorder(Observer):
    def __init__(self, stored: dict[str, Array], x: Tensor) -> None:
        self.steps: list[Step] = []
        self.places = [""]
        self.known: dict[int, Source] = {id(a): Stored(name) for name, a in stored.items()}
        self.known[id(x.data)] = Value(-1)
        self.kept: list[Any] = [stored, x]  # what lives has an id of its own

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Any) -> None:
        self.kept += [inputs, y]
        given = [t.data if isinstance(t, Tensor) else t for t in inputs]
        step = Step(
            function,
            self.places[-1],
            tuple(map(self.source, given)),
            {k: v for k, v in options.items() if k != "seen"},
            y.shape,
            np.dtype(y.dtype),
            tuple(getattr(a, "shape", None) for a in given),
        )
        self.known[id(y.data)] = Value(len(self.steps))
        self.steps.append(step)

    def source(self, x: Any) -> Source:
        if x is None or isinstance(x, bool | int | float):
            return x
        return self.known.get(id(x)) or Constant(np.array(x))


@contextmanager
def _places(net: nn.Module, places: list[str]) -> Iterator[None]:
    """Keep the name of the module that runs at the end of `places`."""
    handles = []

    def entering(name: str) -> Any:
        return lambda _module, _inputs: places.append(name)

    def leaving(_module: nn.Module, _inputs: Any, _y: Any) -> None:
        places.pop()

    try:
        for name, module in net.named_modules():
            handles.append(module.register_forward_pre_hook(entering(name)))
            handles.append(module.register_forward_hook(leaving))
        yield
    finally:
        for handle in handles:
            handle.remove()


def trace(net: nn.Module, shape: tuple[int, ...], batch: int | None) -> Trace:
    """Run a net in evaluation mode on images of `shape`, in batches of `batch`, None for any size.

    Raises ValueError for what cannot be written down as steps, and says where it is.
    """
    tensors = {name: p.data for name, p in net.named_parameters()} | dict(net.named_buffers())
    dtypes = {a.dtype for a in tensors.values() if a.dtype.kind == "f"}
    if len(dtypes) > 1:
        raise TypeError(f"the net has parameters of {', '.join(sorted(map(str, dtypes)))}; cast it")
    dtype = dtypes.pop() if dtypes else np.dtype(np.float32)
    modes = [(module, module.training) for module in net.modules()]
    net.eval()
    try:
        runs = [
            _run(net, tensors, (n, *shape), dtype, seed)
            for seed, n in enumerate((batch, batch) if batch else (2, 3))
        ]
    finally:
        for module, training in modes:
            module.training = training
    steps = _compared(*runs)
    return Trace(steps, shape, dtype, batch is None, tensors)


def _run(
    net: nn.Module,
    tensors: dict[str, Array],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    seed: int,
) -> list[Step]:
    x = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    image = Tensor(x.copy())
    recorder = _Recorder(tensors, image)
    with no_grad(), _places(net, recorder.places), watching(recorder):
        y = net(image)
    if not isinstance(y, Tensor):
        raise ValueError(f"the net returned {type(y).__name__}; expected one Tensor")
    if not np.array_equal(image.data, x):
        raise ValueError("the net writes into its input, which no operation of ONNX does")
    last = recorder.known.get(id(y.data))
    if not isinstance(last, Value) or last.step < 0:
        raise ValueError("the net's output does not come from recorded operations on its input")
    return _needed(recorder.steps[: last.step + 1])


def _needed(steps: list[Step]) -> list[Step]:
    """Return the steps on which the last one depends, numbered anew."""
    wanted, kept = {len(steps) - 1}, []
    for number in range(len(steps) - 1, -1, -1):
        if number in wanted:
            kept.append(number)
            wanted.update(s.step for s in steps[number].sources if isinstance(s, Value))
    place = {old: new for new, old in enumerate(reversed(kept))} | {-1: -1}
    for number in kept:
        steps[number].sources = tuple(
            Value(place[s.step]) if isinstance(s, Value) else s for s in steps[number].sources
        )
    if -1 not in wanted:
        raise ValueError("the net's output does not depend on its input")
    return [steps[number] for number in reversed(kept)]


def _compared(first: list[Step], second: list[Step]) -> list[Step]:
    """Return the steps of two runs, or raise ValueError where they are not the same steps."""
    for a, b in zip(first, second, strict=False):
        if (a.function, a.place) != (b.function, b.place):
            raise ValueError(f"two runs went different ways: {a}, and {b} with other images")
        for one, other in zip(a.sources, b.sources, strict=True):
            if not _same(one, other):
                raise ValueError(
                    f"{a}: it uses values that depend on the images, the size of the batch or "
                    "chance, and come from outside of minires's operations (NumPy, comparisons); "
                    "write that part with operations of minires, or fix the batch"
                )
        if "shape" not in a.options and repr(a.options) != repr(b.options):
            raise ValueError(f"{a}: its options depend on the images or the size of the batch")
        a.shapes = (a.shape, b.shape)
    if len(first) != len(second):
        raise ValueError(f"two runs went different ways: {len(first)} and {len(second)} operations")
    return first


def _same(a: Source, b: Source) -> bool:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return a.array.dtype == b.array.dtype and np.array_equal(a.array, b.array)
    return type(a) is type(b) and a == b

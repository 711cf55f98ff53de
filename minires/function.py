"""Function: how an operation is written, run and recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from minires_kernels.arrays import Array, is_array

from .engine import Node
from .grad_mode import modes
from .observe import tell, watchers
from .tensor import Tensor


class Context:
    """What a Function's forward leaves for its backward. Other attributes may be set freely.

    saved   the values passed to `save`
    needs   for each positional input, whether its gradient is wanted
    onto    in backward: None, or the gradient of the first input as far as others have sent it; one
            may add to it in place, and then returns this array itself
    """

    saved: tuple[Any, ...] = ()
    needs: tuple[bool, ...] = ()
    onto: Array | None = None
    kernel: Any = None  # for Functions that run one

    def save(self, *values: Any) -> None:
        """Keep `values` for backward, where they are `ctx.saved`. They must not be modified."""
        self.saved = values

    def branch(self, choice: Array | Callable[[], Array]) -> None:
        """Tell gradient checks which side of a kink was taken, e.g. `ctx.branch(x > 0)` for ReLU.

        A callable is evaluated only while somebody looks on, so that training does not pay for it.
        """
        if watchers.get():
            tell("branched", choice if callable(choice) else lambda: choice)


class Function:
    """A differentiable operation. Subclass it, write two static methods, and call `apply`:

        class Square(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save(x)
                return x * x

            @staticmethod
            def backward(ctx, dy):
                (x,) = ctx.saved
                return 2 * x * dy

        y = Square.apply(x)

    Both work on plain arrays. `backward` returns one gradient per positional input (it may be None
    where `ctx.needs` is false); where inputs were broadcast it may leave the summing to the engine.
    A Function whose backward always returns new arrays, one for each input, and keeps none of them
    may say so with `new_gradients = True`: the engine then need not copy before it adds to them.
    """

    new_gradients: ClassVar[bool] = False
    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Any]]

    def __init_subclass__(cls) -> None:
        for name in ("forward", "backward"):
            if getattr(cls, name, None) is None:
                raise TypeError(f"{cls.__name__}: define a static method `{name}`")
            if name in vars(cls) and not isinstance(vars(cls)[name], staticmethod):
                raise TypeError(f"{cls.__name__}.{name} must be a @staticmethod")

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Tensor:
        """Run `forward` on the inputs' arrays, and record the call if a gradient is wanted.

        Inputs may be Tensors, arrays, numbers or None; options go to `forward` as they are.
        """
        ctx, held = Context(), modes.get()
        recording = not held or held[-1][1]
        tensors = [t if isinstance(t, Tensor) else None for t in inputs]
        arrays = [x if t is None else t._data for x, t in zip(inputs, tensors, strict=True)]
        needs = [recording and t is not None and t._requires_grad for t in tensors]
        ctx.needs = tuple(needs)
        y = cls.forward(ctx, *arrays, **options)
        if type(y) is not np.ndarray:
            if isinstance(y, np.generic):
                y = np.asarray(y)  # NumPy makes scalars of arrays without dimensions
            elif not is_array(y):
                raise TypeError(f"{cls.__name__}.forward returned {type(y).__name__}, not an array")
        out = Tensor(y)
        if (base := y.base) is not None:
            for t in tensors:
                if t is not None and (base is t._data or base is t._data.base):
                    out.updates = t.updates  # one memory, one count of its updates
        if True in needs:
            cls._record(ctx, inputs, tensors, out)
        if watchers.get():
            tell("ran", cls, inputs, options, out)
        return out

    @classmethod
    def _record(cls, ctx: Context, inputs: Any, tensors: list[Any], y: Tensor) -> None:
        if y._data.dtype.kind != "f":
            raise TypeError(f"{cls.__name__}: {y._data.dtype} values cannot carry a gradient")
        wanted = zip(tensors, ctx.needs, strict=True)
        parents = [(t.node or t.own_node()) if needed else None for t, needed in wanted]
        node = y.node = Node(y._data, cls, ctx, tuple(parents))
        y._requires_grad = True
        if ctx.saved:
            pairs = zip(inputs, tensors, strict=True)
            if others := [x for x, t in pairs if t is None and x is not None]:
                ctx.saved = _own(ctx.saved, others)
            ids = set(map(id, ctx.saved))
            kept = [t for t in (*tensors, y) if t is not None and id(t._data) in ids]
            node.versions = tuple([(t.updates, t.updates[0], t._data.shape) for t in kept])


def _own(saved: tuple[Any, ...], given: list[Any]) -> tuple[Any, ...]:
    """Return what was saved with copies of plain arrays: of their updates nobody would be told."""
    ids = {id(x) for x in given if hasattr(type(x), "strides")}
    kept = [x.copy(order="K") if id(x) in ids else x for x in saved]
    return type(saved)(*kept) if hasattr(saved, "_fields") else tuple(kept)

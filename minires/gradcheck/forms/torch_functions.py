"""Functions of PyTorch's tensors, its modules and its `torch.autograd.Function`s."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...tensor import Array
from ..subject import Pair
from .arguments import Leaf
from .call import Call
from .convention import entries_of
from .handwritten import Given, HandWritten, Layout, Run
from .kinds import is_float_array, to_host, torch_tensor
from .naming import plain


class TorchSubject(HandWritten):
    """f(*tensors) of PyTorch, differentiated by PyTorch, in float64.

    Arrays become tensors. A module is copied; its parameters are checked, too, and its buffers put
    back before every evaluation. Of a Function the backward pass is a `pair`.
    """

    def __init__(
        self,
        f: Any,
        inputs: Sequence[Any],
        options: dict[str, Any],
        wrt: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.torch = sys.modules["torch"]
        self.module = copy.deepcopy(f).double() if isinstance(f, self.torch.nn.Module) else None
        self.function = _function_class(f, self.torch)
        self.forward = self.backward = self.function.apply if self.function else self.module or f
        self.name = getattr(self.function or f, "__name__", type(f).__name__)
        self.titles = self.name, self.name
        signed: Any = self.module.forward if self.module is not None else f
        if self.function is not None:
            signed = partial(self.function.forward, None)
        self.arguments = self.call = Call(signed, inputs, options)
        self.leaves, self.notes = self.arguments.leaves, self.arguments.notes
        self.own: dict[int, Any] = {}
        self.buffers: dict[str, Any] = {}
        if self.module is not None:
            self.buffers = {k: b.clone() for k, b in self.module.named_buffers()}
            for name, p in self.module.named_parameters():
                if p.requires_grad:
                    self.own[len(self.leaves)] = p
                    self.leaves.append(Leaf(name, to_host(p).copy(), p, False))
        self.wanted = self.asked_for(wrt or ())
        self.set_up()

    def start(self, given: Given, layout: Layout) -> Run:
        if self.function is None:
            layout = np.copy  # memory orders are the library's care; dropout's mask follows them
        tensors = {
            i: self.own[i] if i in self.own else torch_tensor(layout(given.get(i, leaf.array)))
            for i, leaf in enumerate(self.leaves)
            if type(leaf.original) is not float
        }
        with self.torch.no_grad():
            for i, p in self.own.items():
                p.copy_(torch_tensor(given.get(i, self.leaves[i].array)))
            for name, b in self.buffers.items():
                self.module.get_buffer(name).copy_(b)  # type: ignore[union-attr]
        for i, t in tensors.items():
            if i not in self.own:
                t.requires_grad_(True)

        def leaf(i: int) -> Any:
            return tensors.get(i, self.leaves[i].original)

        inputs = self.call.grown(leaf, self._tensor)
        with self.torch.enable_grad():
            entries = entries_of(self.call.run(self.forward, inputs))
        values = [y for y in entries if is_float_array(y)]
        if not values:
            raise TypeError(f"{self.name} returned no floating tensor: nothing with a gradient")

        def back(candidate: Callable[..., Any] | None, dys: list[Any]) -> dict[int, Any]:
            order = sorted(tensors)
            found = self.torch.autograd.grad(
                [y for y in values if y.requires_grad],
                [tensors[i] for i in order],
                [dy for dy, y in zip(dys, values, strict=True) if y.requires_grad],
                allow_unused=True,
            ) if any(y.requires_grad for y in values) else [None] * len(order)  # fmt: skip
            return {
                i: np.zeros(self.leaves[i].array.shape) if g is None else g
                for i, g in zip(order, found, strict=True)
            }

        return Run(inputs, values, (), back)

    def _tensor(self, x: Any) -> Any:
        """Return a fixed NumPy array, such as labels, as a tensor."""
        return torch_tensor(x) if isinstance(x, np.ndarray) else x

    @property
    def pair(self) -> Pair | None:
        if self.function is None:
            return None
        return Pair(plain(self.function.forward), plain(self.function.backward), self._try)

    def _try(self, candidate: Callable[..., Any], v: Array, arrays: Sequence[Array]) -> list[Array]:
        edited: Any = type(self.name, (self.function,), {"backward": staticmethod(candidate)})
        other = copy.copy(self)
        other.forward, other.arrays = edited.apply, [a.copy() for a in arrays]
        return other.gradients(v)


def _function_class(f: Any, torch: Any) -> Any:
    """Return the torch.autograd.Function of a class or of its `apply`, or None."""
    owner = getattr(f, "__self__", f)
    is_function = isinstance(owner, type) and issubclass(owner, torch.autograd.Function)
    return owner if is_function else None

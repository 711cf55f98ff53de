"""Replay: a whole net as one recorded call, without the Python in between.

A small net spends more time in finding out what to compute than in computing it: modules, checks,
a record of each call, the order of the backward pass. Where a net does the same at every call, all
of that has the same answer each time, and one look at it is enough:

    net_once = Replay(net)
    loss = F.cross_entropy(net_once(Tensor(x)), y)      # the first call runs `net` and looks on
    loss.backward()

From the second call on the same kernels run on the new values in the same order, so all bits are
the net's own. The call is one node of the graph like any other: what the engine does with hooks of
tensors, `.grad` and updates in place is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minires_kernels.backends import current_backend, kernel_for, use_versions
from minires_kernels.spec import Version

from .engine import Node, topological_order
from .function import Context, Function
from .grad_mode import is_grad_enabled
from .nn import Module
from .nn.fusion import use_fusion
from .observe import Observer, watchers, watching
from .tensor import Array, Tensor


class Replay:
    """`net`, in training replayed from its second call on; `refused` says why it is not.

    It runs as ever wherever somebody looks on (hooks of modules, observers), in evaluation, without
    gradients, for an input that requires one or has another shape, dtype or memory order, and where
    a parameter or a setting has changed; and always, if it makes arrays of its own at each call, as
    dropout and stochastic depth do. Not seen, and so not allowed, are parts and attributes (a
    momentum) that are replaced later, and a `forward` that chooses in Python what to compute.
    """

    def __init__(self, net: Module) -> None:
        self.net, self.modules = net, list(net.modules())
        self.refused = ""
        self._found: dict[Any, _Recording] = {}

    def __call__(self, x: Tensor) -> Tensor:
        """Return net(x)."""
        if self.refused or not self._usual(x):
            return self.net(x)  # type: ignore[no-any-return]
        a = x.data
        versions = tuple(sorted(use_versions.current().items()))
        settings = current_backend(), use_fusion.current(), versions
        key = a.shape, a.dtype, a.strides, settings
        recording = self._found.get(key)
        if recording is not None and recording.holds():
            return recording.run(x)
        counters = {id(b): (b, b.copy()) for b in self.net.buffers() if b.dtype.kind in "iu"}
        with watching(_Calls()) as seen:
            y: Tensor = self.net(x)
        self.refused = _reason(self.net, seen, x, y)
        if not self.refused:
            moved = [(b, b - before) for b, before in counters.values()]
            self._found = {key: _Recording(seen.calls, x, y, moved)}
        return y

    def _usual(self, x: Tensor) -> bool:
        """Whether this is a call in training on which nobody looks."""
        return (
            not watchers.get()
            and type(x.data) is np.ndarray
            and not x.requires_grad
            and is_grad_enabled()
            and all(
                m.training and not m._hooks and not m._pre_hooks and "forward" not in m.__dict__
                for m in self.modules
            )
        )


class _Calls(Observer):
    """The calls of Functions, in order: each with its inputs, options and output."""

    apart = False  # the same calls as when nobody looks

    def __init__(self) -> None:
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Tensor]] = []

    def ran(self, function: type, inputs: tuple[Any, ...], options: Any, y: Any) -> None:
        self.calls.append((function, inputs, options, y))


def _reason(net: Module, seen: _Calls, x: Tensor, y: Any) -> str:
    """Return why a call of the net cannot be replayed, "" if it can."""
    for m in net.modules():
        if getattr(m, "survival", 1) < 1:
            return "stochastic depth chooses the blocks of each call"
        if getattr(m, "momentum", 0) is None:
            return "a batch norm without momentum counts its batches for an average"
    if not isinstance(y, Tensor) or y.node is None or not seen.calls:
        return "the net returned something else than a tensor with a history"
    known = {id(x), *map(id, net.parameters())}
    for function, inputs, options, out in seen.calls:
        for t in inputs:
            if not (id(t) in known or t is None or isinstance(t, int | float | np.number)):
                return f"{function.__name__} takes an array that was made within the call"
        if any(isinstance(value, np.ndarray | Tensor) for value in options.values()):
            return f"{function.__name__} has an array among its options"
        known.add(id(out))
    if id(y) not in known:
        return "the net returned a tensor that no operation made"
    for node in topological_order(y.node):
        if node.function is not None and (node.hooks or node.keeper is not None):
            return "a gradient within the net is looked at"
    return ""


class _Call:
    """One call of a Function: where its inputs come from, and what runs.

    inputs   for each input its place among the values: x, leaves, what else there was, outputs
    version  of a kernel, chosen once, as are its checked options; None for any other Function
    places   for each input its gradient's place among those that the kernel returns
    """

    def __init__(self, function: Any, arrays: list[Any], options: dict[str, Any], node: Any):
        self.function, self.options, self.node = function, dict(options), node
        self.inputs: list[int] = []
        self.seen: Callable[[Any], None] | None = None
        self.version: Version | None = None
        self.backward_version: Version | None = None
        self.needs = (False,) * len(arrays) if node is None else node.ctx.needs
        if (spec := getattr(function, "spec", None)) is not None:
            self.kernel = kernel_for(spec.name, arrays[0])
            self.seen = self.options.pop("seen", None)
            given, self.options = spec.check_forward(*arrays, **self.options)
            self.version = self.kernel.select("supports", given, self.options)
            self.places = function.places

    def forward(self, arrays: list[Any]) -> tuple[Array, Any]:
        """Return the output, and what backward needs: a kernel's saved values, or a context."""
        if self.version is not None:
            y, *saved = self.version.forward(*arrays, **self.options)
            if self.seen is not None:
                self.seen(self.kernel.spec.saved(*saved))
            return y, saved
        ctx = Context()
        ctx.needs = self.needs
        y = self.function.forward(ctx, *arrays, **self.options)
        return np.asarray(y), ctx

    def backward(self, dy: Array, kept: Any, onto: Array | None) -> list[tuple[Node, Array]]:
        """Return the inputs' nodes that want a gradient, each with its own."""
        node = self.node
        if self.version is None:
            before, kept.onto = node.ctx, onto  # that of the call itself, if it waits for backward
            node.ctx = kept
            try:
                return node.run(dy)  # type: ignore[no-any-return]
            finally:
                node.ctx = before
        run = self.backward_version
        if run is None:
            run = self.kernel.select("supports_backward", (dy, *kept), {})
            self.backward_version = run
        if len(self.kernel.spec.gradients) == 1:
            grads: Any = (run.backward(dy, *kept),)
        elif onto is not None and run.adds:
            grads = run.backward(dy, *kept, needs=self.needs, onto=onto)
        else:
            grads = run.backward(dy, *kept, needs=self.needs)
        wanted = zip(node.parents, self.places, strict=True)
        return [(parent, grads[i]) for parent, i in wanted if parent is not None]


class _Recording:
    """What one call of a net did, and the Function that does it again."""

    def __init__(self, seen: Any, x: Tensor, y: Tensor, moved: list[tuple[Array, Array]]) -> None:
        assert y.node is not None
        nodes = [node for node in topological_order(y.node) if node.function is None]
        tensors = [None if node.keeper is None else node.keeper() for node in nodes]
        self.leaves: list[Tensor] = [t for t in tensors if t is not None]
        self.leaf_nodes, self.moved = nodes, moved
        made = {id(t) for t in (x, *self.leaves, *(out for *_, out in seen))}
        given = {id(t): t for _, inputs, *_ in seen for t in inputs if id(t) not in made}
        self.frozen = [t for t in given.values() if isinstance(t, Tensor)]
        self.constants = [t for t in given.values() if not isinstance(t, Tensor)]
        self.like = self._like()
        first = [x, *self.leaves, *self.frozen, *self.constants]
        place = {id(t): i for i, t in enumerate(first)}
        self.calls: list[_Call] = []
        for function, inputs, options, out in seen:
            arrays = [t.data if isinstance(t, Tensor) else t for t in inputs]
            call = _Call(function, arrays, options, out.node)
            call.inputs = [place[id(t)] for t in inputs]
            place[id(out)] = len(first) + len(self.calls)
            self.calls.append(call)
        self.out, self.root = place[id(y)], y.node
        counters = {id(v[0]) for call in self.calls if call.node for v in call.node.versions}
        self.saved = [i for i, t in enumerate((x, *self.leaves)) if id(t.updates) in counters]
        new = all(call.function.new_gradients for call in self.calls)
        members = {"forward": staticmethod(self._forward), "backward": staticmethod(self._backward)}
        self.function: Any = type("Replayed", (Function,), members | {"new_gradients": new})

    def _like(self) -> list[Any]:
        leaves = (*self.leaves, *self.frozen)
        return [(t._data.shape, t._data.dtype, t._requires_grad) for t in leaves]

    def holds(self) -> bool:
        """Whether the leaves are as they were."""
        return self._like() == self.like

    def run(self, x: Tensor) -> Tensor:
        """Do it again with x."""
        y: Tensor = self.function.apply(x, *self.leaves)
        for counter, by in self.moved:
            counter += by
        return y

    def _forward(self, ctx: Context, *arrays: Any) -> Array:
        values = [*arrays, *(t._data for t in self.frozen), *self.constants]
        kept = []
        for call in self.calls:
            y, saved = call.forward([values[i] for i in call.inputs])
            values.append(y)
            kept.append(saved)
        ctx.kept = kept  # type: ignore[attr-defined]
        ctx.save(*[arrays[i] for i in self.saved])
        return values[self.out]  # type: ignore[no-any-return]

    def _backward(self, ctx: Context, dy: Array) -> tuple[Any, ...]:
        """As `engine.backward` does, in the same order: the sums have the same bits."""
        flowing: dict[Node, Array] = {self.root: dy}
        ours: set[Node] = set()
        kept: list[Any] = ctx.kept  # type: ignore[attr-defined]
        for call, saved in zip(reversed(self.calls), reversed(kept), strict=True):
            if (dy_here := flowing.pop(call.node, None)) is None:
                continue
            first = call.node.parents[0]
            onto = flowing.get(first) if first in ours else None
            for parent, dx in call.backward(dy_here, saved, onto):
                if parent not in flowing:
                    flowing[parent] = dx
                    if call.function.new_gradients:
                        ours.add(parent)
                elif dx is not onto:
                    before, owned = flowing[parent], parent in ours
                    (flowing[parent],) = kernel_for("add", dx).forward(before, dx, owned=owned)
                    ours.add(parent)
        return (None, *[flowing[node] for node in self.leaf_nodes])

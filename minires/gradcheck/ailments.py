"""What may ail a network whose gradients are right: NaN, no gradient, dead ReLUs, explosion.

Every sentence is a fact of one pass, with the layer where it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array, to_host

from ..engine import Node
from ..observe import Observer
from ..tensor import Array, Tensor
from .calls import Call

FAR = 1e4  # from one end of a network to the other: four decades
MANY_DEAD = 0.5  # of the channels of a ReLU


class Flow(Observer):
    """Sees the gradient at each node: its norm, and the nodes it goes to."""

    def __init__(self) -> None:
        self.norms: dict[int, float] = {}
        self.parents: dict[int, list[int]] = {}

    def passing(self, node: Node, dy: Array) -> None:
        self.norms[node.index] = float(np.linalg.norm(np.asarray(to_host(dy), dtype=np.float64)))
        self.parents[node.index] = [p.index for p in node.parents if p is not None]


class Gradients(Observer):
    """Sets aside the `.grad` of each tensor that one backward pass reaches."""

    def __init__(self) -> None:
        self.before: dict[int, tuple[Tensor, Any]] = {}

    def storing(self, tensor: Any) -> None:
        self.before.setdefault(id(tensor), (tensor, tensor.grad))
        tensor.grad = None

    def restore(self) -> None:
        """Put back what was there before."""
        for tensor, grad in self.before.values():
            tensor.grad = grad


def find(
    calls: Sequence[Call], flow: Flow, parameters: Sequence[tuple[str, Tensor]], loss: float
) -> list[tuple[str, str]]:
    """Return (place, sentence) of each trouble, what comes first first."""
    found = _not_finite(calls, flow, parameters, loss)
    if found:
        return found  # all that follows from it is no news
    return [
        *_lost(calls, flow),
        *_without_gradient(flow, parameters),
        *_dead(calls),
        *_far(calls, flow),
    ]


def _finite(x: Any) -> bool:
    return not is_array(x) or x.dtype.kind != "f" or bool(np.isfinite(to_host(x)).all())


def _not_finite(
    calls: Sequence[Call], flow: Flow, parameters: Sequence[tuple[str, Tensor]], loss: float
) -> list[tuple[str, str]]:
    bad = [name for name, p in parameters if not _finite(p.data)]
    if bad:
        return [(_listed(bad), "holds NaN or infinite values: training has already diverged")]
    for call in calls:
        if not _finite(call.y):
            if not all(_finite(x) for x in call.inputs):
                return [(call.name, "an input is NaN or infinite: look at the data")]
            largest = max(
                (float(np.abs(to_host(x)).max()) for x in call.inputs if is_array(x) and x.size),
                default=0.0,
            )
            text = f"its output is NaN or infinite, its inputs are not (largest {largest:.3g})"
            return [(call.name, f"{text}: the first of the forward pass{_at(call)}")]
    if not np.isfinite(loss):
        return [("the loss", f"is {loss}")]
    for call in reversed(calls):
        into = [flow.norms.get(i, 0.0) for i in flow.parents.get(call.index, [])]
        if np.isfinite(flow.norms.get(call.index, 0.0)) and not np.isfinite(into).all():
            text = "its backward pass gives NaN or infinity for a finite gradient"
            return [(call.name, f"{text}: the first on the way back{_at(call)}")]
    return []


def _at(call: Call) -> str:
    return "" if call.place is None else f" ({call.place})"


def _lost(calls: Sequence[Call], flow: Flow) -> list[tuple[str, str]]:
    """Calls that receive a gradient and send zeros to an earlier call."""
    known = {call.index for call in calls}
    found = []
    for call in reversed(calls):
        earlier = [i for i in flow.parents.get(call.index, []) if i in known]
        arrives = flow.norms.get(call.index, 0.0) > 0
        if arrives and earlier and all(flow.norms.get(i) == 0 for i in earlier):
            text = "the gradient ends here: dy is not zero, what it passes on is"
            found.append((call.name, text + _why(call) + _at(call)))
    return found[:4]


def _why(call: Call) -> str:
    if not np.any(to_host(call.y)):
        return " (its output is all zero)"
    for i, x in enumerate(call.inputs):
        if is_array(x) and x.size and i > 0 and not np.any(to_host(x)):
            return f" ({call.input_name(i)} is all zero)"
    return ""


def _without_gradient(
    flow: Flow, parameters: Sequence[tuple[str, Tensor]]
) -> list[tuple[str, str]]:
    found, wanted = [], [(name, p) for name, p in parameters if p.requires_grad]
    none = [name for name, p in wanted if p.node is None or p.node.index not in flow.norms]
    if none:
        text = "no gradient arrives: unused in this pass, or cut off (detach, .data, no_grad)"
        found.append((_listed(none), text))
    zero = [n for n, p in wanted if p.node is not None and flow.norms.get(p.node.index) == 0]
    if zero:
        found.append((_listed(zero), "the gradient is exactly zero, so it will not learn"))
    return found


def _dead(calls: Sequence[Call]) -> list[tuple[str, str]]:
    found = []
    for call in calls:
        y = to_host(call.y)
        if "relu" not in call.function.__name__.lower() or y.ndim < 2 or y.shape[0] < 2:
            continue
        axes = (0, *range(2, y.ndim))
        dead = int((~np.any(y != 0, axis=axes)).sum())
        if dead > MANY_DEAD * y.shape[1]:
            text = f"{dead} of {y.shape[1]} units of this ReLU are 0 for the whole batch"
            found.append((call.name, text))
    return found


def _far(calls: Sequence[Call], flow: Flow) -> list[tuple[str, str]]:
    """Do activations or gradients grow, or fade, by more than FAR through the layers?"""
    layers = [c for c in calls if c.path and is_array(c.inputs[0]) and c.y.ndim >= 2]
    if len(layers) < 3:
        return []
    found = []
    sizes = [_rms(layers[0].inputs[0]), *(_rms(c.y) for c in layers)]
    back = [flow.norms.get(c.index, 0.0) for c in layers]
    if min(sizes) > 0 and not 1 / FAR <= sizes[-1] / sizes[0] <= FAR:
        k = _steepest(sizes)
        text = f"activations go from {sizes[0]:.2g} (RMS) at the input to {sizes[-1]:.2g}"
        found.append((layers[-1].name, f"{text}; most in one step at {layers[k].name}"))
    if min(back) > 0 and not 1 / FAR <= back[0] / back[-1] <= FAR:
        verb = "explodes" if back[0] > back[-1] else "vanishes"
        text = f"the gradient {verb} on its way back, from {back[-1]:.2g} to {back[0]:.2g} (norm)"
        name = layers[_steepest(back)].name
        found.append((layers[0].name, f"{text}; most in one step at {name}"))
    return found


def _rms(x: Any) -> float:
    return float(np.sqrt(np.mean(np.asarray(to_host(x), dtype=np.float64) ** 2)))


def _steepest(sizes: Sequence[float]) -> int:
    return int(np.argmax(np.abs(np.diff(np.log(sizes)))))


def _listed(names: Sequence[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest

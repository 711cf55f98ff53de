"""`bisect`: which operation of a network has the wrong gradient; if none, what else ails it.

One pass forward and back in the network's own precision, watched; then each call alone (calltest).
"""

from __future__ import annotations

import copy
import functools
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels.arrays import is_array, to_host

from .. import functional as F
from .. import random as minires_random
from ..grad_mode import enable_grad
from ..nn import Module
from ..observe import watching
from ..tensor import Tensor
from . import ailments, wording
from .calls import Call, CallLog
from .calltest import Slip
from .diagnosis import Diagnosis
from .wrong_calls import described, diagnosed, wrong_calls


@dataclass
class Bisection:
    """What `bisect` found; true if every call's gradient is right, a text when printed.

    wrong      (call, slip) of each call whose gradient is wrong, in the order of the forward pass
    undecided  the same of those that differences cannot judge
    ailments   (place, sentence) of what else was seen: NaN, zero gradients, dead ReLUs, explosion
    checked    how many calls were checked
    """

    name: str
    checked: int
    loss: float
    wrong: list[tuple[Call, Slip]] = field(default_factory=list)
    undecided: list[tuple[Call, Slip]] = field(default_factory=list)
    ailments: list[tuple[str, str]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no call's gradient is wrong."""
        return not self.wrong

    def __bool__(self) -> bool:
        return self.ok

    @functools.cached_property
    def diagnosis(self) -> Diagnosis:
        """Changes that mend the first wrong call, if its backward is the user's; best first."""
        return diagnosed(self.wrong)

    @property
    def first(self) -> Call | None:
        """The first wrong call of the forward pass: everything before it is right."""
        return self.wrong[0][0] if self.wrong else None

    def __str__(self) -> str:
        lines = [f"bisect {self.name}: {self.checked} calls, loss {self.loss:.6g}"]
        if self.wrong:
            lines.append(textwrap.indent("first wrong: " + described(*self.wrong[0]), "  "))
            lines += [f"  also wrong: {call.name}: {slip.text}" for call, slip in self.wrong[1:9]]
            if len(self.wrong) > 9:
                lines.append(f"  and {len(self.wrong) - 9} more")
        else:
            every = "every call that could be checked" if self.undecided else "every call"
            lines.append(f"  the backward pass of {every} is right")
        lines += [textwrap.indent(text, "  ") for text in self.diagnosis.lines()]
        if self.undecided:
            shown = ", ".join(dict.fromkeys(call.name for call, _ in self.undecided[:5]))
            text = f"  undecided: {len(self.undecided)} ({shown}): {self.undecided[0][1].text}"
            lines.append(text)
        lines += [f"  {place}: {text}" for place, text in self.ailments]
        if self.ok and not self.ailments:
            lines.append(
                "  and nothing else is odd in this pass (NaN, zero or exploding gradients, dead "
                "ReLUs): look at the data, the labels, the learning rate, zero_grad()"
            )
        return "\n".join(lines)


def bisect(
    net: Any,
    x: Any,
    y: Any = None,
    loss: Callable[..., Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Bisection:
    """Find the first operation of a network whose backward pass is wrong; print the result.

    net is a Module or a function of Tensors, x an array or Tensor (or a tuple of them). The loss is
    `loss(net(x), y)`: by default cross-entropy for integer y, mean squares for floating y, the sum
    of squares for none. Every recorded call is then run again alone, in float64, along one random
    direction per input: the time is that of a few passes. Parameters, their `.grad`, running
    statistics and the random generator are left as they were.
    """
    if not callable(net):
        raise TypeError(f"bisect: net is {wording.described(net)}, expected a Module or a function")
    given = x if isinstance(x, tuple) else (x,)
    inputs = [_tensor(a, net) for a in given]
    log = CallLog(net if isinstance(net, Module) else None)
    flow = ailments.Flow()
    rng = copy.deepcopy(minires_random.generator())
    kept = ailments.Gradients()
    try:
        with np.errstate(all="ignore"), enable_grad(), watching(log), minires_random.using(rng):
            value = _loss(net(*inputs), y, loss)
            if not value.requires_grad:
                raise ValueError("bisect: the loss depends on nothing that requires a gradient")
            stopped = _backward(value, flow, kept)
        named = list(net.named_parameters()) if isinstance(net, Module) else log.parameters()
        scalar = float(to_host(value.data))
        found = [("the backward pass", stopped)] if stopped else []
        found = found or ailments.find(log.calls, flow, named, scalar)
    finally:
        kept.restore()
        log.restore()
    slips = wrong_calls(log.calls, progress)
    name = getattr(net, "__name__", type(net).__name__)
    return Bisection(
        name,
        len(log.calls),
        scalar,
        [pair for pair in slips if not pair[1].undecided],
        [pair for pair in slips if pair[1].undecided],
        found,
    )


def _backward(loss: Tensor, flow: ailments.Flow, kept: ailments.Gradients) -> str:
    """Run the backward pass, watched; return what stopped it, or ""."""
    try:
        with watching(flow), watching(kept):
            loss.backward()
    except Exception as error:  # whatever a user's Function may raise
        return f"stopped by {type(error).__name__}: {error}"
    return ""


def _tensor(x: Any, net: Any) -> Any:
    """Return an array as a Tensor of the net's dtype; those of a plain function are watched too."""
    if isinstance(x, Tensor) or not is_array(x):
        return x  # a list of labels, a flag: the network's business
    if x.dtype.kind != "f":
        return Tensor(x)
    own = next(iter(net.parameters()), None) if isinstance(net, Module) else None
    return Tensor(x.copy() if own is None else x.astype(own.dtype), requires_grad=own is None)


def _loss(out: Any, y: Any, loss: Callable[..., Any] | None) -> Tensor:
    if loss is not None:
        value = loss(out, y)
    elif not isinstance(out, Tensor):
        raise TypeError(f"bisect: the network returned {type(out).__name__}; pass loss=")
    elif y is None:
        value = out if out.size == 1 else (out * out).sum()
    else:
        y = y.data if isinstance(y, Tensor) else np.asarray(y)
        if y.dtype.kind in "iu":
            value = F.cross_entropy(out, y)
        else:
            value = F.mse_loss(out, Tensor(y.astype(out.dtype)))
    if not isinstance(value, Tensor) or value.size != 1:
        raise TypeError(f"bisect: expected a scalar Tensor from loss(net(x), y), got {value!r}")
    return value

"""EMA: an exponential moving average of a net's weights, which evaluates better than the last ones.

    e ← e + (1 - decay) (w - e)      after each step; it averages over about 1 / (1 - decay) steps

Polyak and Juditsky 1992 average the iterates; Tarvainen and Valpola 2017 (1703.01780), eq. 1, with
exponentially falling weights.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from minires_kernels.arrays import device_of

from ..nn import Module
from ..nn.state import Target, load
from ..tensor import Array, Tensor
from .optimizer import check_number


class EMA:
    """Average of all parameters and buffers of `net`, from their values when it is made on.

        ema = optim.EMA(net, decay=0.999)
        ...                             # optimizer.step(); ema.update()
        with ema.applied():             # the averages are in the net
            evaluate(net)

    Each average has the dtype and place of its array. Integers (the count of batches) are not
    averaged but copied. `decay` may be changed between updates.
    """

    def __init__(self, net: Module, decay: float = 0.999) -> None:
        if not isinstance(net, Module):
            raise TypeError(f"EMA: expected a Module, got {type(net).__name__}")
        self.net = net
        self.decay = check_number("decay", decay, below=1.0)
        self.updates = 0
        self._applied = False
        self.average = {name: _array(t).copy(order="K") for name, t in self._targets().items()}
        if not self.average:
            raise ValueError(f"EMA: {type(net).__name__} has no parameters and no buffers")

    def _targets(self) -> dict[str, Target]:
        """Return parameters and buffers by name, each once."""
        found: dict[int, tuple[str, Target]] = {}
        for name, target in self.net._named_state():
            found.setdefault(id(target), (name, target))
        return dict(found.values())

    def _fitting(self) -> dict[str, Target]:
        """Return the net's parameters and buffers; RuntimeError unless they are as at the start."""
        targets = self._targets()
        for name in sorted(set(targets) ^ set(self.average)):
            raise RuntimeError(
                f"EMA: {name} is only in {'the net' if name in targets else 'the average'}; the "
                "net has changed since EMA(net) was made, so make a new one"
            )
        for name, target in targets.items():
            ours, theirs = self.average[name], _array(target)
            here, there = _kind(ours), _kind(theirs)
            if here != there:
                raise RuntimeError(
                    f"EMA: {name} is {there} in the net and {here} in the average; make the EMA "
                    "after the net has its shape, dtype and device"
                )
        return targets

    def update(self) -> None:
        """Move the averages towards the net's values; call it after each step."""
        if self._applied:
            raise RuntimeError("EMA: update() within applied() would average the average")
        weight = 1 - check_number("decay", self.decay, below=1.0)
        for name, target in self._fitting().items():
            average, value = self.average[name], _array(target)
            if average.dtype.kind == "f":
                average += average.dtype.type(weight) * (value - average)
            else:
                average[...] = value
        self.updates += 1

    def write(self) -> None:
        """Write the averages into the net, for good."""
        for name, target in self._fitting().items():
            _write(target, self.average[name])

    @contextlib.contextmanager
    def applied(self) -> Iterator[Module]:
        """Within the block the net has the averages; after it, its own values again, to the bit.

        Also if the block raises. What the block writes into the net is lost.
        """
        if self._applied:
            raise RuntimeError("EMA: the averages are applied already")
        targets = self._fitting()
        own = {name: _array(target).copy(order="K") for name, target in targets.items()}
        self._applied = True
        try:
            self.write()
            yield self.net
        finally:
            for name, target in targets.items():
                _write(target, own[name])
            self._applied = False

    def state_dict(self) -> dict[str, Any]:
        """Return the decay, the number of updates and copies of the averages by name."""
        average = {name: a.copy(order="K") for name, a in self.average.items()}
        return {"decay": self.decay, "updates": self.updates, "average": average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a `state_dict()` of a net with the same names and shapes.

        Raises ValueError that lists what does not fit; then nothing is changed.
        """
        if not isinstance(state, dict) or set(state) != {"decay", "updates", "average"}:
            have = ", ".join(map(str, state)) if isinstance(state, dict) else type(state).__name__
            raise ValueError(
                f"EMA: expected a state_dict() with `decay`, `updates` and `average`, got {have}"
            )
        decay = check_number("decay", state["decay"], below=1.0)
        updates = int(check_number("updates", state["updates"]))
        load("EMA", self.average, state["average"], strict=True)
        self.decay, self.updates = decay, updates


def _array(target: Target) -> Array:
    return target.data if isinstance(target, Tensor) else target


def _kind(a: Array) -> str:
    return f"{a.dtype} of shape {a.shape} on {device_of(a)}"


def _write(target: Target, values: Array) -> None:
    if isinstance(target, Tensor):
        target.update_(values)
    else:
        target[...] = values

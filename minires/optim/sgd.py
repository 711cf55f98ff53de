"""Stochastic gradient descent with momentum, Nesterov's variant and weight decay.

    g ← ∂L/∂p + λ p                      weight decay λ: the gradient of (λ/2) ‖p‖²
    v ← μ v + (1 - τ) g                  momentum μ, dampening τ;  v = g at the first step
    p ← p - lr v                         or p - lr (g + μ v), with Nesterov's look ahead
    p ← p - lr g                         without momentum

The kernel `sgd` computes this where the parameters live (in NumPy: `reference/sgd.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from minires_kernels.arrays import Array, module_of, to_device_of
from minires_kernels.backends import kernel_for

from ..nn import Parameter
from ..observe import tell, watchers
from .optimizer import Optimizer, check_number

OPTIONS = ("lr", "momentum", "dampening", "weight_decay", "nesterov")  # as the kernel reads them
Kind = tuple[int, type, str]  # of parameters that move together: group, type and dtype of arrays


class Move(NamedTuple):
    """What is to be done to one parameter; at `first`, the velocity is yet to be set."""

    p: Parameter
    data: Array
    gradient: Array
    velocity: Array | None
    first: bool


class SGD(Optimizer):
    """As PyTorch's; the formula is at the top of this file. Sources: Polyak 1964, Nesterov 1983.

    Parameters of one group, dtype and place move in one call of the kernel, all checked before any.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        options = (lr, momentum, dampening, weight_decay, nesterov)
        super().__init__(params, dict(zip(OPTIONS, options, strict=True)))
        self._options: dict[Kind, Array] = {}
        self._written: dict[Kind, tuple[float, ...]] = {}  # what they hold

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for an option out of range."""
        super().check(group)
        check_number("momentum", group["momentum"])
        check_number("dampening", group["dampening"], low=-float("inf"))
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError("nesterov needs a momentum above 0 and a dampening of 0")

    def step(self) -> None:
        """Move every parameter that has a gradient; all are checked before any moves.

        Raises ValueError or TypeError for a gradient or a velocity of another shape, dtype or place
        than its parameter.
        """
        planned = self._plan()
        if watchers.get():
            tell("stepping", self, [move for moves in planned.values() for move in moves])
        self.write_options()
        calls = []
        for kind, moves in planned.items():
            _, data, gradients, velocities, first = zip(*moves, strict=True)
            kernel = kernel_for("sgd", max(data, key=attrgetter("size")))  # few numbers take NumPy
            calls.append((kernel, (data, gradients, velocities, first, self._options[kind])))
        if len(calls) > 1:
            for kernel, arguments in calls:
                kernel.spec.check_forward(*arguments)
        for kernel, arguments in calls:
            kernel.forward(*arguments)
        for moves in planned.values():
            for move in moves:
                if move.first:  # only now: a step that failed has left no velocity
                    self.state[move.p]["velocity"] = move.velocity
                move.p.mark_updated()

    def _plan(self) -> dict[Kind, list[Move]]:
        """Return the moves, those that can be made together under one key."""
        planned: dict[Kind, list[Move]] = {}
        for i, group in enumerate(self.param_groups):
            momentum = bool(group["momentum"] != 0)
            for p in group["params"]:
                if p.grad is None:
                    continue
                data, state = p.data, self.state.setdefault(p, {})
                velocity = state.get("velocity")
                first = momentum and velocity is None
                if first:
                    velocity = module_of(data).zeros(data.shape, data.dtype)
                kind = (i, type(data), data.dtype.char)
                if kind not in planned:
                    planned[kind] = []
                    if kind not in self._options:
                        self._options[kind] = module_of(data).zeros(len(OPTIONS), data.dtype)
                planned[kind].append(Move(p, data, p.grad, velocity, first))
        return planned

    def velocity(self, p: Parameter) -> Array | None:
        """Return the velocity of a parameter, None before its first step with momentum."""
        return self.state.get(p, {}).get("velocity")

    def write_options(self) -> None:
        """Write the options of each group into the array that its kernel reads.

        Only if one has changed, and in place: a captured launch reads this array at each replay.
        """
        for kind, array in self._options.items():
            if kind[0] >= len(self.param_groups):
                continue  # of a group that was taken out
            group = self.param_groups[kind[0]]
            self.check(group)
            values = tuple(group[name] for name in OPTIONS)
            if self._written.get(kind) != values:
                array[...] = to_device_of(np.array(values, array.dtype), array)
                self._written[kind] = values

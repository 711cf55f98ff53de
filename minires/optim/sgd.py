"""Stochastic gradient descent with momentum, Nesterov's variant and weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minires_kernels.updates import sgd

from ..nn import Parameter
from ..tensor import Array
from .optimizer import Optimizer, check_number

OPTIONS = ("lr", "momentum", "dampening", "weight_decay", "nesterov")


class SGD(Optimizer):
    """As PyTorch: g ← g + λ p;  v ← μ v + (1 - τ) g  (v = g at first);  p ← p - lr v.

    λ weight_decay, μ momentum, τ dampening. With `nesterov`, p ← p - lr (g + μ v).
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
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
            },
        )

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for an option out of range."""
        super().check(group)
        check_number("momentum", group["momentum"])
        check_number("dampening", group["dampening"], low=-float("inf"))
        if group["nesterov"] and (group["momentum"] == 0 or group["dampening"] != 0):
            raise ValueError("nesterov needs a momentum above 0 and a dampening of 0")

    def move(self, p: Parameter, g: Array, group: dict[str, Any], state: dict[str, Any]) -> None:
        """Apply the formula to one parameter."""
        first = group["momentum"] != 0 and "velocity" not in state
        velocity = np.zeros(p.shape, p.dtype) if first else state.get("velocity")
        sgd(p.data, g, velocity, first, **{name: group[name] for name in OPTIONS})
        if first:
            state["velocity"] = velocity  # only now: a step that failed has left none
        p.mark_updated()

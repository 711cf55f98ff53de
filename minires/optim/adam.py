"""Adam: gradient steps scaled by running moments. Kingma and Ba 2015 (1412.6980), Algorithm 1."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from minires_kernels.arrays import module_of, require_same_device

from ..nn import Parameter
from ..tensor import Array
from .optimizer import Optimizer, check_number


class Adam(Optimizer):
    """As PyTorch: m, v are running means of g and g² with rates β₁, β₂, corrected for their start.

    p ← p - lr m̂ / (√v̂ + eps); weight_decay λ is added to the gradient (L2), g ← g + λ p.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for an option out of range."""
        super().check(group)
        check_number("eps", group["eps"])
        if not isinstance(group["betas"], tuple | list) or len(group["betas"]) != 2:
            raise ValueError(f"betas: expected two numbers, got {group['betas']!r}")
        for i, beta in enumerate(group["betas"]):
            check_number(f"betas[{i}]", beta, below=1.0)

    def move(self, p: Parameter, g: Array, group: dict[str, Any], state: dict[str, Any]) -> None:
        xp = module_of(p.data)
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, m=xp.zeros_like(p.data), v=xp.zeros_like(p.data))
        for name in ("m", "v"):
            require_same_device("Adam: a parameter", p.data, **{f"its {name}": state[name]})
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p.data
        state["step"] += 1
        t, m, v = state["step"], state["m"], state["v"]
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        denominator = xp.sqrt(v) / math.sqrt(1 - beta2**t) + group["eps"]
        p.update_(p.data - group["lr"] / (1 - beta1**t) * m / denominator)

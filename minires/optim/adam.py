"""Adam and AdamW: gradient steps scaled by running moments.

    m ← β₁ m + (1 - β₁) g,   v ← β₂ v + (1 - β₂) g²      running means of g and of g²
    m̂ = m / (1 - β₁ᵗ),       v̂ = v / (1 - β₂ᵗ)           corrected for their start at 0
    p ← p - lr m̂ / (√v̂ + eps)

Weight decay λ enters Adam through the gradient, g ← g + λ p, where the scaling by 1 / √v̂ undoes
much of it; AdamW shrinks the parameter by itself, p ← (1 - lr λ) p, before its step.
Kingma and Ba 2015 (1412.6980), Algorithm 1; Loshchilov and Hutter 2019 (1711.05101), Algorithm 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from minires_kernels.arrays import module_of, require_same_device

from ..nn import Parameter
from ..tensor import Array
from .optimizer import Optimizer, check_number


class Adam(Optimizer):
    """As PyTorch's, with weight decay as an L2 penalty; the formula is at the top of this file."""

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
        if group["weight_decay"]:
            g = g + group["weight_decay"] * p.data
        p.update_(p.data - self.difference(p, g, group, state))

    def difference(
        self, p: Parameter, g: Array, group: dict[str, Any], state: dict[str, Any]
    ) -> Array:
        """Move the moments of `p` by its gradient `g`; return lr m̂ / (√v̂ + eps)."""
        xp = module_of(p.data)
        beta1, beta2 = group["betas"]
        if not state:
            state.update(step=0, m=xp.zeros_like(p.data), v=xp.zeros_like(p.data))
        who = f"{type(self).__name__}: a parameter"
        for name in ("m", "v"):
            require_same_device(who, p.data, **{f"its {name}": state[name]})
        state["step"] += 1
        t, m, v = state["step"], state["m"], state["v"]
        m += (1 - beta1) * (g - m)
        v *= beta2
        v += (1 - beta2) * g * g
        denominator = xp.sqrt(v) / math.sqrt(1 - beta2**t) + group["eps"]
        return group["lr"] / (1 - beta1**t) * m / denominator  # type: ignore[no-any-return]


class AdamW(Adam):
    """As PyTorch's, with decoupled weight decay; the formula is at the top of this file.

    Norms and biases are usually left out of the decay: `optim.groups(net, weight_decay=1e-2)`.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)

    def move(self, p: Parameter, g: Array, group: dict[str, Any], state: dict[str, Any]) -> None:
        kept = 1 - group["lr"] * group["weight_decay"]
        p.update_(kept * p.data - self.difference(p, g, group, state))

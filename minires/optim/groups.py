"""Parameter groups: weights decay, norms and biases do not."""

from __future__ import annotations

from typing import Any

from ..nn import Module, Norm, Parameter
from .optimizer import check_number


def groups(net: Module, weight_decay: float, **options: Any) -> list[dict[str, Any]]:
    """Return two groups for an optimiser: with `weight_decay`, and with none.

    Without decay are the parameters of normalisation layers and all of at most one dimension
    (biases, learnable scales): they do not grow the function that the net can be, and decay would
    only pull scales and shifts towards 0. `options` (lr=…) go into both groups; empty ones are left
    out.

        optim.SGD(optim.groups(net, weight_decay=5e-4), lr=0.1, momentum=0.9)
    """
    if not isinstance(net, Module):
        raise TypeError(f"groups: expected a Module, got {type(net).__name__}")
    check_number("weight_decay", weight_decay)
    if "params" in options:
        raise TypeError("groups: `params` are those of the net; give only options of the optimiser")
    of_norms = {
        id(p)
        for module in net.modules()
        if isinstance(module, Norm)
        for p in module.parameters(recurse=False)
    }
    decayed: list[Parameter] = []
    others: list[Parameter] = []
    for p in net.parameters():
        (others if p.ndim <= 1 or id(p) in of_norms else decayed).append(p)
    found = [
        {"params": decayed, "weight_decay": weight_decay, **options},
        {"params": others, "weight_decay": 0.0, **options},
    ]
    return [group for group in found if group["params"]]

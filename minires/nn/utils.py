"""Clipping gradients between `backward()` and the optimiser's step, under PyTorch's names."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minires_kernels.arrays import as_array, module_of, to_host

from ..tensor import Array, Tensor
from .module import Module


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale all gradients by one factor if their common norm is above `max_norm`; return the norm.

    The norm is that of all elements of all gradients together, (Σ |g|^p)^(1/p) with p `norm_type`
    (`math.inf`: the largest), before the scaling and accumulated in float64. The factor is
    max_norm / (norm + 1e-6), at most 1, as in PyTorch. Parameters without a gradient are left out.
    With `error_if_nonfinite` a norm of inf or NaN raises RuntimeError, and nothing is scaled.
    Pascanu et al. 2013 (1211.5063), Algorithm 1.
    """
    gradients = _gradients("clip_grad_norm_", parameters)
    max_norm, p = _number("max_norm", max_norm), _number("norm_type", norm_type)
    if p == 0:
        raise ValueError("norm_type: expected a number above 0, or math.inf")
    total = _norm([owner.grad for owner in gradients], p)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"clip_grad_norm_: the norm of the gradients is {total}, so they cannot be scaled; "
            "find where it comes from, or pass error_if_nonfinite=False"
        )
    factor = max_norm / (total + 1e-6)
    if not factor >= 1:  # a NaN makes all gradients NaN
        with np.errstate(invalid="ignore"):  # inf · 0, after a norm of inf
            for owner in gradients:
                _write(owner, owner.grad * owner.grad.dtype.type(factor))
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Limit each element of each gradient to [-clip_value, clip_value]; NaN stays."""
    gradients = _gradients("clip_grad_value_", parameters)
    limit = _number("clip_value", clip_value)
    for owner in gradients:
        _write(owner, module_of(owner.grad).clip(owner.grad, -limit, limit))


def _gradients(who: str, parameters: Any) -> list[Any]:
    """Return the tensors that have a gradient, one for each array."""
    if isinstance(parameters, Module):
        raise TypeError(f"{who}: expected parameters, got a module; pass its .parameters()")
    tensors = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for t in tensors:
        if not isinstance(t, Tensor):
            raise TypeError(f"{who}: expected tensors with gradients, got {type(t).__name__}")
    return list({id(t.grad): t for t in tensors if t.grad is not None}.values())


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not value >= 0:
        raise ValueError(f"{name}: expected at least 0, got {value}")
    return float(value)


def _norm(gradients: list[Array], p: float) -> float:
    """Return the p-norm of all elements together.

    They are divided by the largest first, so that no power of them under- or overflows.
    """
    maxima = [float(to_host(module_of(g).abs(g).max())) for g in gradients if g.size]
    largest = float(np.max(maxima, initial=0.0))  # NaN, if one of them is
    if p == math.inf or largest == 0 or not math.isfinite(largest):
        return largest
    total = 0.0
    for g in gradients:
        ratios = module_of(g).abs(g.astype(np.float64)) / largest
        total += float(to_host((ratios**p).sum()))
    return float(largest * total ** (1 / p))


def _write(owner: Any, values: Array) -> None:
    """Put `values` into the gradient: in place, unless it is read-only."""
    if getattr(owner.grad.flags, "writeable", True):
        owner.grad[...] = values
    else:
        owner.grad = as_array(values)

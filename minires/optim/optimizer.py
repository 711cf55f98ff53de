"""What the optimisers share: parameter groups, checks, state."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from minires_kernels.arrays import as_array, is_array, require_same_device, to_device_of

from ..nn import Parameter
from ..nn.attributes import forget_gradient
from ..observe import tell, watchers
from ..tensor import Array, Tensor


def check_number(name: str, value: float, low: float = 0.0, below: float = math.inf) -> float:
    """Return `value` if it is finite and low <= value < below, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not (low <= value < below):
        limit = f" and below {below}" if below != math.inf else ""
        raise ValueError(f"{name}: expected a finite number of at least {low}{limit}, got {value}")
    return float(value)


def check_gradient(who: str, p: Parameter) -> None:
    """Raise ValueError or TypeError unless p's gradient has its shape, dtype and place."""
    if not is_array(p.grad):
        raise TypeError(f"{who}: .grad must be an array, as .data is, not {type(p.grad).__name__}")
    g = as_array(p.grad)
    require_same_device(f"{who}: a parameter", p.data, **{"its gradient": g})
    if g.shape != p.shape or g.dtype != p.dtype:
        raise ValueError(
            f"{who}: a parameter is {p.dtype} of shape {p.shape}, its gradient {g.dtype} of shape "
            f"{g.shape}; they must agree"
        )


def _taken_over(value: Any, p: Parameter) -> Any:
    """Return a copy of a value of the state, an array where `p` lives."""
    return to_device_of(value.copy(order="K"), p.data) if is_array(value) else value


class Optimizer:
    """Base class: holds groups of parameters with options, and one dict of state per parameter.

    `params` is an iterable of tensors, or of dicts {"params": […], option: value, …}.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor | set) or hasattr(params, "parameters"):
            raise TypeError(
                f"expected a list of parameters, or net.parameters(), got {type(params).__name__}"
            )
        groups = list(params)
        if not groups:
            raise ValueError(
                "the optimiser got no parameters; modules in a plain list have none, use "
                "nn.ModuleList"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        self.defaults = dict(defaults)
        self.param_groups: list[dict[str, Any]] = []
        # By the parameter itself, so that copies and pickles keep what belongs together.
        self.state: dict[Parameter, dict[str, Any]] = {}
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add {"params": […], option: value, …}, e.g. layers that are no longer frozen.

        Options that are left out have the values given to the optimiser. Raises TypeError or
        ValueError, and adds nothing, for anything but leaf tensors of floats that it lacks.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError(
                f"expected groups {{'params': […], option: value}}, got {param_group!r}"
            )
        given = param_group["params"]
        if isinstance(given, set) or hasattr(given, "parameters"):
            raise TypeError(f"params: expected a list of parameters, got {type(given).__name__}")
        group = self.defaults | param_group
        group["params"] = [given] if isinstance(given, Tensor) else list(given)
        if unknown := set(group) - set(self.defaults) - {"params"}:
            raise ValueError(
                f"unknown option {', '.join(sorted(map(str, unknown)))}; {type(self).__name__} has "
                f"{', '.join(self.defaults)}"
            )
        seen = set(map(id, self._ordered()))
        for p in group["params"]:
            if not isinstance(p, Tensor) or not p.is_leaf or p.dtype.kind != "f":
                what = f"{p.dtype} tensor" if isinstance(p, Tensor) else type(p).__name__
                raise TypeError(
                    "parameters must be leaf tensors of floats, e.g. net.parameters(); got: "
                    f"{what}" + (" with a history" if getattr(p, "node", None) else "")
                )
            if id(p) in seen:
                raise ValueError("a parameter is given twice")
            seen.add(id(p))
        self.check(group)
        self.param_groups.append(group)

    def check(self, group: dict[str, Any]) -> None:
        """Raise ValueError for an option out of range."""
        check_number("lr", group["lr"])
        check_number("weight_decay", group["weight_decay"])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: set every `.grad` to None, or to zeros unless `set_to_none`."""
        for p in self._ordered():
            forget_gradient(p, set_to_none)

    def step(self) -> None:
        """Move every parameter that has a gradient.

        Raises ValueError or TypeError, before any of them moves, for a gradient of another shape,
        dtype or place than its parameter.
        """
        if watchers.get():
            tell("stepping", self, [])
        for p in self._ordered():
            if p.grad is not None:
                check_gradient(type(self).__name__, p)
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, p.grad, group, self.state.setdefault(p, {}))

    def move(self, p: Parameter, g: Array, group: dict[str, Any], state: dict[str, Any]) -> None:
        """Move one parameter `p` with gradient `g`; subclasses define it."""
        raise TypeError(f"{type(self).__name__} defines no move()")

    def _ordered(self) -> list[Parameter]:
        return [p for group in self.param_groups for p in group["params"]]

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the options of each group and the state of each parameter, in order."""
        return {
            "groups": [
                {k: v for k, v in group.items() if k != "params"} for group in self.param_groups
            ],
            "state": [
                {k: v.copy(order="K") if is_array(v) else v for k, v in s.items()}
                for s in (self.state.get(p, {}) for p in self._ordered())
            ],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a `state_dict` of an optimiser with the same parameters in the same order.

        Arrays are copied to where their parameters live. Raises ValueError for the state of another
        optimiser; then nothing is changed.
        """
        params = self._ordered()
        if not isinstance(state, dict) or not {"groups", "state"} <= set(state):
            have = ", ".join(map(str, state)) if isinstance(state, dict) else type(state).__name__
            raise ValueError(
                f"{type(self).__name__}: expected a state_dict() of an optimiser, with `groups` "
                f"and `state`, got {have}"
            )
        if len(state["state"]) != len(params) or len(state["groups"]) != len(self.param_groups):
            raise ValueError(
                f"expected the state of {len(params)} parameters in {len(self.param_groups)} "
                f"groups, got {len(state['state'])} in {len(state['groups'])}"
            )
        for p, saved in zip(params, state["state"], strict=True):
            for key, value in saved.items():
                if not is_array(value) or value.shape == ():
                    continue
                if value.shape != p.shape or value.dtype != p.dtype:
                    raise ValueError(
                        f"{key}: expected shape {p.shape}, {p.dtype}, got {value.shape}, "
                        f"{value.dtype}"
                    )
        for group, options in zip(self.param_groups, state["groups"], strict=True):
            # `initial_lr` is a scheduler's
            if wrong := (set(group) ^ set(options)) - {"params", "initial_lr"}:
                raise ValueError(
                    f"{type(self).__name__}: the state is of another optimiser; only one of them "
                    f"has {', '.join(sorted(wrong))}"
                )
            self.check(group | options)
        taken = [
            {k: _taken_over(v, p) for k, v in saved.items()}
            for p, saved in zip(params, state["state"], strict=True)
        ]
        for group, options in zip(self.param_groups, state["groups"], strict=True):
            group.update(options)
        self.state = dict(zip(params, taken, strict=True))

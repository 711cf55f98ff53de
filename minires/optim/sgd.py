"""Stochastic gradient descent with momentum, Nesterov's variant and weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minires_kernels import updates
from minires_kernels.arrays import is_device, module_of, place_of
from minires_kernels.updates import OPTIONS, Move

from .. import capture
from ..nn import Parameter
from ..tensor import Array
from .optimizer import Optimizer, check_number

Planned = tuple[Parameter, dict[str, Any], Move]  # parameter, its state, what is to be done


class SGD(Optimizer):
    """As PyTorch: g ← g + λ p;  v ← μ v + (1 - τ) g  (v = g at first);  p ← p - lr v.

    λ weight_decay, μ momentum, τ dampening. With `nesterov`, p ← p - lr (g + μ v). On a GPU eight
    parameters move in a launch, and in a captured step with the current options.
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
        self._launched: dict[tuple[int, str, str], _DeviceOptions] = {}

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
        planned = [self._plan(group) for group in self.param_groups]
        captured = capture.current()
        if captured is not None:
            _check_captured([move for group in planned for _, _, move in group])
            captured.optimizers.append((self, [move for group in planned for move in group]))
        for i, moves in enumerate(planned):
            self._run(i, moves)

    def _plan(self, group: dict[str, Any]) -> list[Planned]:
        """Return what is to be done for each parameter of a group, checked."""
        planned = []
        for p in group["params"]:
            if p.grad is None:
                continue
            state = self.state.setdefault(p, {})
            velocity = state.get("velocity")
            first = velocity is None and bool(group["momentum"] != 0)
            if first:
                velocity = module_of(p.data).zeros(p.shape, p.dtype)
            updates.check_sgd(p.data, p.grad, velocity)
            planned.append((p, state, (p.data, p.grad, velocity, first)))
        return planned

    def _run(self, i: int, planned: list[Planned]) -> None:
        """Move the parameters of group `i`: together where launches can, else one by one."""
        group = self.param_groups[i]
        values = {name: group[name] for name in OPTIONS}
        together: dict[tuple[int, str, str], list[Planned]] = {}
        for p, state, move in planned:
            if updates.launches(move[0], move[2]):
                key = (i, p.device, p.dtype.char)
                together.setdefault(key, []).append((p, state, move))
            else:
                updates.sgd_by_itself(*move, **values)
                _note(p, state, move)
        for kind, many in together.items():
            if kind not in self._launched:
                self._launched[kind] = _DeviceOptions(many[0][0].data)
            options = self._launched[kind]
            options.refresh(group)
            updates.sgd_many([move for _, _, move in many], options.array)
            for p, state, move in many:
                _note(p, state, move)

    def prepare_replay(self, moves: list[Planned]) -> None:
        """Let a captured step, which made these moves, see the options as they are now.

        Called before each replay. Raises RuntimeError if the step would work on arrays that are
        no longer the parameters' or the optimiser's, or with a momentum that it has no velocity
        for; ValueError for an option out of range.
        """
        for group in self.param_groups:
            self.check(group)
        momentum = {
            id(p): group["momentum"] for group in self.param_groups for p in group["params"]
        }
        for p, _, (data, _, velocity, _) in moves:
            now = self.state.get(p, {}).get("velocity")
            if p.data is not data or (velocity is not None and now is not velocity):
                raise RuntimeError(
                    "SGD: a parameter's or its velocity's array was replaced after the capture (by "
                    ".to(), .data = or load_state_dict()), and the graph has the old one; capture "
                    "the step again"
                )
            if velocity is None and momentum[id(p)] != 0:
                raise RuntimeError(
                    "SGD: the step was captured without momentum, and cannot have one now; capture "
                    "it again"
                )
        for (i, _, _), options in self._launched.items():
            options.refresh(self.param_groups[i])
        for p in self._ordered():
            p.mark_updated()


class _DeviceOptions:
    """The options of a group as an array where its parameters live, `array`.

    It is written only when an option has changed, and always in place: a captured launch reads it.
    """

    def __init__(self, p: Array) -> None:
        self.array = module_of(p).zeros(len(OPTIONS), p.dtype)
        self._values: tuple[Any, ...] = ()

    def refresh(self, group: dict[str, Any]) -> None:
        """Write the options of `group`, if they are not those already written."""
        values = tuple(group[name] for name in OPTIONS)
        if values != self._values:
            self.array[...] = updates.sgd_options(self.array, values)
            self._values = values


def _note(p: Parameter, state: dict[str, Any], move: Move) -> None:
    """Keep a new velocity (only now: a step that failed has left none), and count the update."""
    if move[3]:
        state["velocity"] = move[2]
    p.mark_updated()


def _check_captured(moves: list[Move]) -> None:
    """Raise RuntimeError for what a replay would do wrongly."""
    for p, _, velocity, first in moves:
        if first:
            raise RuntimeError(
                "SGD: a parameter gets its first gradient while the step is captured, and a replay "
                "would start its velocity anew each time; give graph() more warm-up steps"
            )
        if not (is_device(p) and updates.launches(p, velocity)):
            raise RuntimeError(
                f"SGD: a captured step moves float32 and float64 parameters on the GPU, in C order;"
                f" here is one of {p.dtype} on {place_of(p)} with strides {p.strides}"
            )

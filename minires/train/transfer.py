"""From one task to another: freeze what is learnt, replace the head, unfreeze step by step.

    net = models.resnet20(weights="cifar10")
    replace_head(net, classes=5, seed=0)
    freeze(net, up_to="layer3")              # trains the new head alone
    thaw = GradualUnfreezing(net, {0: "layer3", 100: "layer2", 200: None})

Yosinski et al. 2014 (1411.1792) ask how far features are general; Howard and Ruder 2018
(1801.06146) unfreeze from the head downwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from minires_kernels import checks

from .. import nn
from ..random import generator, using


class Schedule(Protocol):
    """A schedule of the learning rate, as in optim.lr_scheduler."""

    def step(self) -> object: ...


def freeze(net: nn.Module, up_to: str | None) -> list[str]:
    """Freeze a net from its input up to and with the module `up_to`; all after it is trainable.

    up_to   a dotted name, e.g. "layer2"; None: nothing is frozen

    Frozen parameters have requires_grad False and no gradient, so that no optimiser moves them; and
    frozen modules stay in evaluation mode whatever `net.train()` says: batch norm would otherwise
    go on adapting its statistics, and the frozen part would not compute what it has learnt. The
    order is that in which modules were registered. Returns the names of the frozen parameters.
    Raises ValueError for a name that the net lacks, and for one with everything before it, i.e.
    when nothing would be left to train.
    """
    modules = dict(net.named_modules())
    names = list(modules)
    last = -1
    if up_to is not None:
        if not isinstance(up_to, str) or up_to == "" or up_to not in modules:
            known = ", ".join(name for name, _ in net.named_children())
            raise ValueError(f"up_to: {type(net).__name__} has no module {up_to!r}; e.g. {known}")
        inside = [n for n in names if n == up_to or n.startswith(f"{up_to}.")]
        last = names.index(inside[-1])
    frozen, ids = [], set()
    for i, name in enumerate(names):
        holds_boundary = name == "" or (up_to or "").startswith(f"{name}.")
        cold = i <= last and not holds_boundary
        modules[name].__dict__["_frozen"] = cold
        for key, p in modules[name].named_parameters(recurse=False):
            if cold:
                frozen.append(f"{name}.{key}")
                ids.add(id(p))
    trained = [p for p in net.parameters() if id(p) not in ids]
    if up_to is not None and not trained:
        freeze(net, None)
        raise ValueError(f"up_to={up_to!r} leaves nothing to train; name an earlier module")
    for p in net.parameters():
        p.requires_grad_(id(p) not in ids)
        if id(p) in ids:
            p.grad = None
    net.train(net.training)
    return frozen


def head_of(net: nn.Module) -> str:
    """Return the dotted name of a net's head: its last linear layer. Raises ValueError."""
    found = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    if not found:
        raise ValueError(f"{type(net).__name__} has no linear layer that could be its head")
    return found[-1]


def replace_head(
    net: nn.Module, classes: int, seed: np.random.Generator | int | None = None
) -> nn.Linear:
    """Put a new linear layer of `classes` outputs in the place of the net's last one; return it.

    It starts as PyTorch's default, drawn from `seed`, in the dtype and place of the old one. An
    optimiser or an EMA made before knows nothing of it: make them afterwards.
    """
    name = head_of(net)
    old = net.get_submodule(name)
    assert isinstance(old, nn.Linear)
    with using(generator(seed)):
        new = nn.Linear(
            old.in_features, checks.integer("classes", classes, 1), bias=old.bias is not None
        )
    new.to(old.weight.dtype).to(old.weight.device)
    new.train(net.training)
    path, _, key = name.rpartition(".")
    net.get_submodule(path)._modules[key] = new
    return new


class GradualUnfreezing:
    """Freeze less and less during training: {step: up_to} says from which step on what is frozen.

    plan   e.g. {0: "layer3", 100: "layer2", 200: None}; see `freeze` for the values
    then   a schedule of the learning rate to step too

    Give it to the training loop as its `schedule`. The optimiser must have been made with all
    parameters; those that are frozen have no gradient, and it leaves them alone.
    """

    def __init__(
        self, net: nn.Module, plan: Mapping[int, str | None], then: Schedule | None = None
    ) -> None:
        if not plan:
            raise ValueError("plan: expected at least one step, e.g. {0: 'layer3'}")
        self.plan = {checks.integer("step", k, 0): v for k, v in sorted(plan.items())}
        self.net, self.then, self.steps = net, then, 0
        for up_to in self.plan.values():  # a wrong name is told now, not after an hour
            freeze(net, up_to)
        freeze(net, self.plan.get(0))

    def step(self) -> None:
        """Count a step, and unfreeze what the plan says for it."""
        self.steps += 1
        if self.steps in self.plan:
            freeze(self.net, self.plan[self.steps])
        if self.then is not None:
            self.then.step()

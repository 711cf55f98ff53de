"""Huang et al. 2016: stochastic depth, nets that are short in training and deep afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import models, nn
from ..degradation import Recipe
from ..settings import Setting
from . import drawing, real, small
from .base import DIFFERS, HOLDS, NOT_COMPARABLE, Arm, Form, Found, Reproduction, Verdict, percent

LAST = 0.5  # survival probability of the last block
BLOCKS = 27  # of the short form's 56 layers
PAPERS = {"constant depth": 6.41, "stochastic depth": 5.23}


@dataclass(frozen=True)
class Dropped(Setting):
    """A net whose blocks survive with probabilities that fall to `survival`."""

    survival: float = 1.0

    def build(self, features: tuple[int, ...], seed: int) -> nn.Module:
        net = super().build(features, seed)
        if self.survival < 1:
            models.stochastic_depth(net, self.survival)
        return net


def arms(form: Form) -> list[Arm]:
    """Return a residual net of constant and one of stochastic depth."""
    found = []
    for name, survival in (("constant depth", 1.0), ("stochastic depth", LAST)):
        if form.full:
            options = {"survival": survival}
            found.append(real.arm(form, name, "resnet110", options, paper=PAPERS[name]))
            continue
        net = Dropped("conv", 56, "identity", "bn", "he", "relu", 8, survival=survival)
        recipe = Recipe(epochs=30, lr=0.1)
        found.append(small.arm(form, name, net, recipe, PAPERS[name], value="test"))
    return found


def verdict(form: Form, found: Found) -> Verdict:
    """Compare test errors, not comparable within the spread of seeds; and the time of training."""
    constant, stochastic = (found.level(name) for name in PAPERS)
    times = [np.mean([r.seconds for r in found.by_arm[name]]) for name in PAPERS]
    saved = 100 * (1 - times[1] / times[0])
    blocks = 54 if form.full else BLOCKS
    expected = 100 * (1 - models.expected_depth(blocks, LAST) / blocks)
    within = max((max(v) - min(v) for n in PAPERS if (v := found.values(n))), default=0.0)
    headline = (
        f"Stochastic depth saves {saved:.0f} % of the training's time, and tests at "
        f"{percent(stochastic)} beside {percent(constant)}"
    )
    text = (
        f"test error {percent(stochastic)} with stochastic and {percent(constant)} with constant "
        f"depth; the training takes {saved:.0f} % less time (expected from the blocks left out: "
        f"{expected:.0f} %; the authors' code, 60 in place of 75 s per epoch: 20 %)."
    )
    if abs(constant - stochastic) <= max(within, 0.5):
        why = f"the difference in error is within the spread of the seeds ({within:.1f} points). "
        headline += ", within the spread of the seeds"
        return Verdict(NOT_COMPARABLE, headline, why + text[:1].upper() + text[1:])
    if stochastic < constant:
        return Verdict(HOLDS, headline, f"the order of the paper holds: {text}")
    return Verdict(DIFFERS, headline, text)


def draw(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw both test errors."""
    net = "ResNet-110 on CIFAR-10" if form.full else f"{small.about(form)}, ResNet-56 of 8 filters"
    return drawing.bars(
        form, found, verdict, x="test error, %",
        note=f"{net}. Survival probabilities fall from 1 to {LAST}. In brackets: the authors' "
        "ResNet-110 on CIFAR-10.",
        highlight=["stochastic depth"],
    )  # fmt: skip


REPRODUCTIONS = (
    Reproduction(
        name="sd",
        title="Does a net learn better with blocks that are left out at random?",
        paper="Huang et al. 2016 (1603.09382); numbers: the README of the authors' code",
        theirs="test error of ResNet-110 on CIFAR-10, %, at the best validation error",
        ours=("test error of ResNet-56 of 8 filters, %", "test error of ResNet-110, %"),
        short="ResNet-56 of 8 filters on digits, 30 epochs",
        minutes=2,
        full="two ResNet-110 with the he2015 recipe: about 11 times a ResNet-20's hours",
        data=("digits", "cifar10"),
        arms=arms,
        verdict=verdict,
        draw=draw,
    ),
)

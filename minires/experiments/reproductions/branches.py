"""Residual nets without batch norm: what makes a hundred layers trainable."""

from __future__ import annotations

from typing import Any

from ..degradation import Recipe
from . import drawing, real, small
from .base import DIFFERS, HOLDS, Arm, Form, Found, Reproduction, Verdict, percent

# name: (norm, branch_scale, what is claimed)
SCALES: dict[str, tuple[str, float | str, str]] = {
    "unscaled": ("none", 1.0, "unstable"),
    "1/√blocks": ("none", "1/sqrt(blocks)", "trains"),
    "SkipInit, ReZero": ("none", "skipinit", "trains"),
    "Fixup": ("none", "fixup", "trains"),
    "batch norm": ("bn", 1.0, "trains"),
    "batch norm, γ = 0": ("bn", "zero-gamma", "trains"),
}
LAYERS = 100


def arms(form: Form) -> list[Arm]:
    """Return residual nets whose branches start in different sizes."""
    found = []
    for name, (norm, scale, says) in SCALES.items():
        options: dict[str, Any] = {"norm": norm, "branch_scale": scale}
        if form.full:
            found.append(real.arm(form, name, "resnet110", options, says=says, value="train"))
        else:
            net = small.mlp(LAYERS, **options)
            found.append(small.arm(form, name, net, Recipe(), says=says))
    return found


def verdict(form: Form, found: Found) -> Verdict:
    """Check that all but the unscaled net train: below 5 % error, and most runs finite."""
    layers = 110 if form.full else LAYERS
    levels = {n: found.level(n) for n in SCALES}
    trained = [n for n, v in levels.items() if v < 5]
    claimed = [n for n, (*_, says) in SCALES.items() if says == "trains"]
    fails = levels["unscaled"] > 50
    lost = sum(r.value is None for r in found.by_arm["unscaled"])
    holds = fails and all(n in trained for n in claimed)
    how = (
        f"diverges in {lost} of {len(found.by_arm['unscaled'])} runs"
        if lost
        else f"ends at {percent(levels['unscaled'])}"
    )
    worst = max(levels[n] for n in claimed)
    headline = (
        f"{layers} residual layers: unscaled branches {'diverge' if lost else 'fail'} without "
        f"batch norm, those that start small train to {percent(worst)} or less"
        if holds
        else f"{layers} residual layers: {len(trained)} of {len(claimed)} repairs train"
    )
    text = f"the unscaled net {how}; " + ", ".join(f"{n}: {percent(levels[n])}" for n in claimed)
    lead = "the claims hold: " if holds else ""
    return Verdict(HOLDS if holds else DIFFERS, headline, f"{lead}{text}.")


def draw(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw a bar per start."""
    net = "ResNet-110 on CIFAR-10" if form.full else f"{small.about(form)}, MLPs of {LAYERS} layers"
    return drawing.bars(
        form, found, verdict, x="training error of the last epoch, %",
        note=f"{net}, rate {0.1 if form.full else 0.01:g}. In brackets: what the papers claim.",
        highlight=["unscaled"],
    )  # fmt: skip


REPRODUCTIONS = (
    Reproduction(
        name="branch-scale",
        title="What makes a hundred residual layers trainable without batch norm?",
        paper="Fixup: Zhang, Dauphin and Ma 2019 (1901.09321); SkipInit: De and Smith 2020 "
        "(2002.10444); ReZero: Bachlechner et al. 2020 (2003.04887); γ = 0: Goyal et al. 2017 "
        "(1706.02677)",
        theirs="the abstracts' claim: such nets of 100 to 10,000 layers train without "
        "normalisation; no number to compare",
        ours=("training error of the last epoch, %", "training error of the last epoch, %"),
        short=f"MLPs of {LAYERS} layers on digits with six ways to start, 20 epochs",
        minutes=1.5,
        full="six ResNet-110 with the he2015 recipe: about 35 times a ResNet-20's hours",
        data=("digits", "cifar10"),
        arms=arms,
        verdict=verdict,
        draw=draw,
        seeds=3,
    ),
)

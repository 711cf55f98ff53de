"""He et al. 2015: Table 6 (test error of ResNets by depth) and Figure 6 (training by depth)."""

from __future__ import annotations

import itertools
from typing import Any

from ... import plotting
from ...plotting import SKIP_COLOURS
from ..degradation import Recipe
from . import drawing, real, small
from .base import (
    DIFFERS,
    HOLDS,
    NOT_COMPARABLE,
    Arm,
    Form,
    Found,
    Reproduction,
    Verdict,
    ending,
    percent,
    rank_correlation,
)

PAPER = "He, Zhang, Ren and Sun 2015 (1512.03385)"
TABLE6 = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43, 1202: 7.93}
SAYS = {110: "6.43 (6.61 ± 0.16)"}
DEPTHS = (20, 32, 44, 56)


def recipe(depth: int) -> Recipe:
    """Return the paper's recipe in 18 epochs; 110 layers need its warm-up."""
    return Recipe(epochs=18, lr=0.1, warmup=50 if depth >= 110 else 0)


# ---- Table 6 ------------------------------------------------------------------------------------
def table6_arms(form: Form) -> list[Arm]:
    """Return ResNets from 20 to 110 layers; in full also the one of 1202."""
    if form.full:
        return [
            real.arm(form, f"ResNet-{d}", f"resnet{d}", paper=e, says=SAYS.get(d, ""))
            for d, e in TABLE6.items()
        ]
    return [
        small.arm(form, f"ResNet-{d}", small.conv(d), recipe(d), TABLE6[d], SAYS.get(d, ""), "test")
        for d in (*DEPTHS, 110)
    ]


def table6_verdict(form: Form, found: Found) -> Verdict:
    """Compare the order of the depths up to 110; not comparable if seeds differ more than depths.

    The depths differ if the range of their means is above the mean range over seeds of one depth.
    """
    depths = [a.name for a in found.arms if a.name != "ResNet-1202"]
    levels = [found.level(name) for name in depths]
    ours = ", ".join(f"{n.removeprefix('ResNet-')}: {v:.1f}" for n, v in zip(depths, levels))
    between = max(levels) - min(levels)
    within = max((max(v) - min(v) for n in depths if (v := found.values(n))), default=0.0)
    headline = f"Test error of ResNets by depth: {percent(levels[0])} with 20 layers"
    headline += f", {percent(levels[-1])} with {depths[-1].removeprefix('ResNet-')}"
    if not form.full and between <= max(within, 1.0):
        where = "on these images" if form.data != "digits" else "on digits"
        text = (
            f"{where} the depths differ by {between:.1f} points and the seeds of one depth by up "
            f"to {within:.1f} ({ours}): all of them fit the training data, and what a deeper net "
            "gains in the paper cannot be seen. It takes CIFAR-10 and the full form."
        )
        return Verdict(NOT_COMPARABLE, headline, text)
    rho = rank_correlation(levels, [TABLE6[int(n.removeprefix("ResNet-"))] for n in depths])
    falls = all(a > b for a, b in itertools.pairwise(levels))
    if falls:
        return Verdict(HOLDS, headline, f"the order of the paper holds: deeper is better ({ours}).")
    text = f"the order of the depths is another ({ours}; rank correlation {rho:.2f})"
    if not form.full:
        text += "; so few steps favour shallow nets"
    return Verdict(DIFFERS, headline, f"{text}.")


def table6_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw a bar per depth."""
    how = (
        "the paper's recipe" if form.full else "18 epochs" if form.data == "digits" else "5 epochs"
    )
    data = "CIFAR-10" if form.full else small.about(form)
    return drawing.bars(
        form, found, verdict, x="test error, %",
        note=f"{data}, {how}. In brackets: the paper's test error on CIFAR-10, Table 6.",
        colours={a.name: SKIP_COLOURS["identity"] for a in found.arms},
    )  # fmt: skip


# ---- Figure 6 -----------------------------------------------------------------------------------
def fig6_arms(form: Form) -> list[Arm]:
    """Return plain and residual nets of the same depths, and the plain net of 110 layers."""
    nets = [(skip, d) for skip in ("none", "identity") for d in DEPTHS]
    nets.insert(len(DEPTHS), ("none", 110))
    arms = []
    for skip, depth in nets:
        name = f"{'plain' if skip == 'none' else 'ResNet'}-{depth}"
        says = "> 60" if (skip, depth) == ("none", 110) else ""
        if form.full:
            model = f"{'plain' if skip == 'none' else 'resnet'}{depth}"
            arms.append(real.arm(form, name, model, says=says, value="train"))
        else:
            arms.append(small.arm(form, name, small.conv(depth, skip), recipe(depth), says=says))
    return arms


def fig6_verdict(form: Form, found: Found) -> Verdict:
    """Check that plain nets degrade, that their residual twins do not, and that plain-110 fails."""
    plain, residual = ([found.level(f"{k}-{d}") for d in DEPTHS] for k in ("plain", "ResNet"))
    deepest = found.level("plain-110")
    rises = all(a < b for a, b in itertools.pairwise(plain))
    twins = all(r < p for r, p in zip(residual, plain, strict=True))
    stuck = deepest > 60
    headline = (
        f"From 20 to 56 layers the training error of plain nets "
        f"{_course(plain)}, that of residual nets {_course(residual)}"
    )
    parts = [
        f"the training error of plain nets {'rises' if rises else 'does not rise'} with every "
        f"step in depth ({_listed(plain)})",
        f"each residual net is {'below' if twins else 'not below'} its plain twin "
        f"({_listed(residual)})",
        f"plain-110 {ending(deepest)} (paper: above 60 %)",
    ]
    kind = HOLDS if rises and twins and stuck else DIFFERS
    lead = "the order of the paper holds: " if kind == HOLDS else ""
    text = lead + "; ".join(parts) + "."
    if max(residual) < 1:
        text += " That deeper residual nets are better cannot be seen: all of them are near 0."
    return Verdict(kind, headline, text)


def _course(levels: list[float]) -> str:
    first, last = levels[0], levels[-1]
    if max(levels) < 1:
        return "stays below 1 %"
    verb = "rises" if last > first else "falls"
    return f"{verb} from {percent(first)} to {percent(last)}"


def _listed(levels: list[float]) -> str:
    return ", ".join(f"{d}: {percent(v)}" for d, v in zip(DEPTHS, levels, strict=True))


def fig6_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw the training error along the training, plain nets left and residual ones right."""
    figure, axes = plotting.new_figure(1, 2, 9.4, 4, sharey=True)
    x = "iteration" if form.full else "epoch"
    for axis, kind, skip in zip(axes[0], ("plain", "ResNet"), ("none", "identity"), strict=True):
        depths = [d for d in (*DEPTHS, 110) if f"{kind}-{d}" in found.by_arm]
        plotting.label_axes(axis, x, "", title="plain nets" if kind == "plain" else "residual nets")
        for depth, colour in zip(
            depths, plotting.shades(SKIP_COLOURS[skip], len(depths)), strict=True
        ):
            arm = f"{kind}-{depth}"
            drawing.curves(axis, found, arm, x, "train_error", f"{depth} layers", colour)
        axis.set_ylim(-3, 100)
        if not form.full:
            axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0, 0].set_ylabel("training error, %")
    data = "CIFAR-10" if form.full else small.about(form)
    drawing.state(figure, verdict, drawing.small_note(found, f"{data}."))
    plotting.label_curves(*axes[0])
    return figure


REPRODUCTIONS = (
    Reproduction(
        name="table6",
        title="Do deeper ResNets test better?",
        paper=f"{PAPER}, Table 6",
        theirs="test error on CIFAR-10, %, after 64,000 iterations",
        ours=("test error of nets of 8 filters, %", "test error on CIFAR-10, %"),
        short="ResNets of 20 to 110 layers and 8 filters on digits, 200 steps",
        minutes=2.5,
        full="he2015 recipe on CIFAR-10; 20 layers take hours on two cores, 110 about six times as "
        "long, 1202 about seventy times",
        data=("digits", "cifar10"),
        arms=table6_arms,
        verdict=table6_verdict,
        draw=table6_figure,
    ),
    Reproduction(
        name="fig6",
        title="Does the training error rise with depth?",
        paper=f"{PAPER}, Figure 6",
        theirs="training curves on CIFAR-10, without a table; plain-110 stays above 60 %",
        ours=("training error of the last epoch, %", "training error of the last epoch, %"),
        short="plain and residual nets of 20 to 56 layers and 8 filters on digits, 200 steps",
        minutes=3.5,
        full="he2015 recipe on CIFAR-10 for nine nets: about 20 times a ResNet-20's hours",
        data=("digits", "cifar10"),
        arms=fig6_arms,
        verdict=fig6_verdict,
        draw=fig6_figure,
    ),
)

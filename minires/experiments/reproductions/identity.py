"""He et al. 2016: Table 1 (what sits on the shortcut) and Table 2 (where the activation stands)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..degradation import Recipe
from . import drawing, real, small
from .base import (
    DIFFERS,
    HOLDS,
    Arm,
    Form,
    Found,
    Reproduction,
    Verdict,
    percent,
    rank_correlation,
    ranks,
)

PAPER = "He, Zhang, Ren and Sun 2016 (1603.05027)"

# name: (options of the net, the paper's number; inf: "fail", an error above 20 %)
ZOO: dict[str, tuple[dict[str, Any], float]] = {
    "x": ({}, 6.61),
    "gate, b = -6": ({"shortcut": "gate:-6"}, 6.91),
    "exclusive gate, b = -6": ({"shortcut": "exclusive:-6"}, 8.70),
    "exclusive gate, b = -7": ({"shortcut": "exclusive:-7"}, 9.81),
    "1×1 convolution": ({"shortcut": "C"}, 12.22),
    "0.5 x and 0.5 F": ({"shortcut": "scale:0.5", "branch_scale": 0.5}, 12.35),
    "gate, b = 0": ({"shortcut": "gate:0"}, 12.86),
    "0.5 x": ({"shortcut": "scale:0.5"}, math.inf),
    "0 x (plain)": ({"skip": "none"}, math.inf),
    "exclusive gate, b = 0": ({"shortcut": "exclusive:0"}, math.inf),
    "dropout": ({"shortcut": "dropout:0.5"}, math.inf),
}
OPEN = ("x", "gate, b = -6", "exclusive gate, b = -6", "exclusive gate, b = -7")
ORDERS = {  # name: (order, Table 2's ResNet-110, ResNet-164)
    "original": ("original", 6.61, 5.93),
    "BN after addition": ("bn-after-add", 8.17, 6.50),
    "ReLU before addition": ("relu-before-add", 7.84, 6.14),
    "ReLU-only pre-activation": ("relu-preact", 6.71, 5.91),
    "full pre-activation": ("preact", 6.37, 5.46),
}


# ---- Table 1 ------------------------------------------------------------------------------------
def table1_arms(form: Form) -> list[Arm]:
    """Return the shortcuts of Table 1, in its order of errors."""
    arms = []
    for name, (options, error) in ZOO.items():
        paper = error if math.isfinite(error) else None
        says = "" if paper else "fail"
        if form.full:
            model = {k: v for k, v in options.items() if k != "skip"}
            kind = "plain110" if options.get("skip") == "none" else "resnet110"
            arms.append(real.arm(form, name, kind, model, paper=paper, says=says))
            continue
        net = small.mlp(54, **options)
        if form.data != "digits":
            net = replace(small.conv(20), **options)
        arms.append(small.arm(form, name, net, Recipe(), paper, says))
    return arms


def table1_verdict(form: Form, found: Found) -> Verdict:
    """Compare the order, failures last, by rank correlation; it holds from 0.7 on."""
    names = [a.name for a in found.arms]
    ours, theirs = [found.level(n, 100.0) for n in names], [ZOO[n][1] for n in names]
    rho = rank_correlation(ours, theirs)
    worst_open = max(found.level(n, 100.0) for n in OPEN)
    best_shut = min(found.level(n, 100.0) for n in names if n not in OPEN)
    headline = (
        f"Shortcuts that let x pass leave at most {percent(worst_open)} error, all others at "
        f"least {percent(best_shut)}"
    )
    if worst_open >= best_shut:
        best = min(names, key=lambda n: found.level(n, 100.0))
        headline = f"By shortcut: the error is lowest with {best}, {percent(min(ours))}"
    holds = rho >= 0.7 and min(ours) == ours[0]
    text = f"rank correlation with Table 1 over {len(names)} shortcuts, failures last: {rho:.2f}"
    places = zip(names, ranks(ours), ranks(theirs), strict=True)
    name, mine, its = max(places, key=lambda place: abs(place[1] - place[2]))
    text += f"; furthest off: {name}, {mine:g} in place of {its:g}."
    lead = "the order of the paper holds: " if holds else ""
    return Verdict(HOLDS if holds else DIFFERS, headline, lead + text)


def table1_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw a bar per shortcut in the paper's order."""
    note = "CIFAR-10, ResNet-110." if form.full else f"{small.about(form)}, {_net(form)}."
    return drawing.bars(
        form, found, verdict,
        x="test error, %" if form.full else "training error of the last epoch, %",
        note=f"{note} From top to bottom in the paper's order; in brackets its ResNet-110 on "
        "CIFAR-10, Table 1.",
        highlight=OPEN,
        guessing=None if form.full else 90,
    )  # fmt: skip


def _net(form: Form) -> str:
    return "MLPs of 54 layers, 20 epochs" if form.data == "digits" else "20 conv layers, 5 epochs"


# ---- Table 2 ------------------------------------------------------------------------------------
RATES = (0.1, 0.01)


def table2_arms(form: Form) -> list[Arm]:
    """Return the five orders; the short form at two learning rates."""
    if form.full:
        return [
            real.arm(form, name, "resnet110", {"order": order}, paper=error)
            for name, (order, error, _) in ORDERS.items()
        ]
    return [
        small.arm(
            form,
            f"{name}, rate {rate:g}",
            small.mlp(108, order=order),
            Recipe(lr=rate),
            error if rate == RATES[0] else None,
        )
        for rate in RATES
        for name, (order, error, _) in ORDERS.items()
    ]


def table2_verdict(form: Form, found: Found) -> Verdict:
    """Check that full pre-activation is best, and at which rate."""
    if form.full:
        levels = {n: found.level(n, 100.0) for n in ORDERS}
        best = min(levels, key=lambda n: levels[n])
        rho = rank_correlation(list(levels.values()), [e for _, e, _ in ORDERS.values()])
        holds = best == "full pre-activation"
        text = f"lowest: {best}, {percent(levels[best])}; rank correlation with Table 2 {rho:.2f}."
        lead = "the order of the paper holds: " if holds else ""
        return Verdict(HOLDS if holds else DIFFERS, f"Best order: {best}", lead + text)
    by_rate = {
        rate: {n: found.level(f"{n}, rate {rate:g}", 100.0) for n in ORDERS} for rate in RATES
    }
    high, low = (by_rate[rate] for rate in RATES)
    pre, post = "full pre-activation", "original"
    rho = rank_correlation(list(high.values()), [e for _, e, _ in ORDERS.values()])
    holds = high[pre] == min(high.values()) and high[pre] < high[post]
    headline = (
        f"At rate {RATES[0]:g} full pre-activation trains 108 layers to {percent(high[pre])} "
        f"error, the original order to {percent(high[post])}"
    )
    best = min(high, key=lambda n: high[n])
    better = "too" if low[pre] < low[post] - 0.5 else "not"
    text = (
        f"at rate {RATES[0]:g} the best of the five is {best} ({percent(high[best])}; original "
        f"{percent(high[post])}; rank correlation of the five with Table 2 {rho:.2f}). At rate "
        f"{RATES[1]:g} full pre-activation is {better} better ({percent(low[pre])} and "
        f"{percent(low[post])}): the gap is one of robustness against the rate."
    )
    lead = "the paper's best order is ours: " if holds else ""
    return Verdict(HOLDS if holds else DIFFERS, headline, lead + text)


def table2_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw a bar per order and rate."""
    note = "CIFAR-10, ResNet-110." if form.full else f"{small.about(form)}, MLPs of 108 layers."
    return drawing.bars(
        form, found, verdict,
        x="test error, %" if form.full else "training error of the last epoch, %",
        note=f"{note} In brackets: the paper's ResNet-110 on CIFAR-10, Table 2.",
        highlight=[a.name for a in found.arms if a.name.startswith("full")],
        guessing=None if form.full else 90,
    )  # fmt: skip


REPRODUCTIONS = (
    Reproduction(
        name="he2016-table1",
        title="What may sit on the shortcut?",
        paper=f"{PAPER}, Table 1",
        theirs="test error of ResNet-110 on CIFAR-10, %, median of 5 runs; fail: above 20 %",
        ours=("training error of the last epoch, %", "test error of ResNet-110 on CIFAR-10, %"),
        short="eleven shortcuts in MLPs of 54 layers on digits, 20 epochs",
        minutes=1.5,
        full="eleven ResNet-110 with the he2015 recipe: about 60 times a ResNet-20's hours",
        data=("digits", "cifar10"),
        arms=table1_arms,
        verdict=table1_verdict,
        draw=table1_figure,
    ),
    Reproduction(
        name="he2016-table2",
        title="Where should the activation stand?",
        paper=f"{PAPER}, Table 2",
        theirs="test error of ResNet-110 on CIFAR-10, %, median of 5 runs",
        ours=("training error of the last epoch, %", "test error of ResNet-110 on CIFAR-10, %"),
        short="five orders in MLPs of 108 layers on digits at two rates, 20 epochs",
        minutes=3,
        full="five ResNet-110 with the he2015 recipe: about 30 times a ResNet-20's hours",
        data=("digits", "cifar10"),
        arms=table2_arms,
        verdict=table2_verdict,
        draw=table2_figure,
    ),
)

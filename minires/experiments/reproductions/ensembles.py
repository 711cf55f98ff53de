"""Veit, Wilber and Belongie 2016: nets without some of their blocks, and the lengths of paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import data, plotting, train
from ...plotting import GREYS, PLAIN, RESIDUAL
from .. import lesions, paths
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
    Result,
    Verdict,
    percent,
)

PAPER = "Veit, Wilber and Belongie 2016 (1605.06431)"
GUESSING = 90.0
TESTED = 2_000  # images at most, for a trained net that is given
RANDOM, SHUFFLES = (1, 2, 4, 6, 8, 10), (1, 2, 4, 8)


# ---- lesions ------------------------------------------------------------------------------------
def lesion_arms(form: Form) -> list[Arm]:
    """Return a residual net and its plain twin; or the trained nets of --weights."""
    if form.weights:
        return [
            Arm(name, _of_file(form, name, path), settings={"file": real.described(path)})
            for name, path in form.weights.items()
        ]
    arms = []
    for name, skip in (("ResNet", "identity"), ("plain", "none")):
        if form.full:
            arms.append(Arm(f"{name}-110" if skip != "none" else "plain-20", _full(form, skip)))
            continue
        setting, recipe = small.conv(32, skip), Recipe(epochs=18, lr=0.1)
        described = small.described(setting, small.recipe_for(form, recipe))
        arms.append(Arm(f"{name}-32", _small(form, setting, recipe), settings=described))
    return arms


def _small(form: Form, setting: Any, recipe: Recipe) -> Any:
    def measure(seed: int) -> Result:
        net, curve, images = small.trained(form, setting, recipe, seed)
        if curve.diverged_at is not None:
            return Result(None, curve.diverged_at, note=images.note)
        return lesioned(net, images.x_test, images.y_test, seed, images.note)

    return measure


def _of_file(form: Form, name: str, path: str) -> Any:
    """Return what measures a net of `minires train`, or one that comes with minires ("shipped")."""

    def measure(seed: int) -> Result:
        trained = train.shipped(name, form.data) if path == "shipped" else train.load_trained(path)
        return _real(form, trained, seed, TESTED)

    return measure


def _full(form: Form, skip: str) -> Any:
    model = "plain20" if skip == "none" else "resnet110"

    def measure(seed: int) -> Result:
        trained, result = real.trained(form, model, model, {}, seed)
        return result if trained is None else _real(form, trained, seed)

    return measure


def _real(form: Form, trained: train.Trained, seed: int, most: int | None = None) -> Result:
    images = data.load(form.data, "test", form.root)
    if images.classes != trained.classes:
        theirs = ", ".join(trained.classes[:6])
        raise ValueError(f"data: {form.data} has other classes than the given net ({theirs} …)")
    if most is not None and len(images) > most:
        images = images.subset(most)
    x = trained.normalise(images.x)
    return lesioned(trained.net, x, images.y, seed, images.note)


def lesioned(net: Any, x: Any, y: Any, seed: int, note: str) -> Result:
    """Return the mean error after deleting one block, with all lesions as points."""
    names = lesions.deletable(net)
    few = [k for k in RANDOM if k <= len(names)]
    swaps = SHUFFLES if lesions.exchangeable(net) else ()
    rows = lesions.lesion(net, x, y, random=few, shuffles=swaps, draws=3, seed=seed)
    for row in rows:
        row["error"] *= 100
        if row["block"] is not None:
            row["index"] = names.index(row["block"])
    single = [row["error"] for row in rows if row["block"] is not None]
    numbers = {"whole": rows[0]["error"], "best": min(single), "worst": max(single)}
    return Result(float(np.mean(single)), None, numbers, rows, note)


def is_residual(name: str) -> bool:
    """Return whether an arm's net has shortcuts, by its name."""
    return not name.lower().startswith("plain")


def lesion_verdict(form: Form, found: Found) -> Verdict:
    """Compare what one deleted block costs residual and plain nets."""
    names = [a.name for a in found.arms]
    whole = {n: float(np.mean(found.numbers(n, "whole") or [math.nan])) for n in names}
    rise = {n: found.level(n) - whole[n] for n in names}
    parts = [
        f"{n}: {percent(whole[n])} whole, "
        f"{percent(found.level(n))} without one block (worst: "
        f"{percent(max(found.numbers(n, 'worst')))})"
        for n in names
        if found.values(n)
    ]
    residual = [rise[n] for n in names if is_residual(n)]
    plain = [rise[n] for n in names if not is_residual(n)]
    if not residual or not plain:
        kind = "residual" if not residual else "plain"
        text = f"no {kind} net was measured beside it. " + "; ".join(parts)
        name = next((n for n in names if found.values(n)), names[0])
        headline = (
            f"Without one of its blocks {name} errs on {percent(found.level(name))} on average, "
            f"whole on {percent(whole[name])}"
        )
        return Verdict(NOT_COMPARABLE, headline, f"{text}.")
    holds = max(residual) < 0.5 * min(plain)
    headline = (
        f"Without one of its blocks the error of a residual net rises by {max(residual):.1f} "
        f"points on average, that of a plain one by {min(plain):.0f}"
    )
    lead = "the claim holds, a residual net hardly notices what ruins a plain one: "
    text = (lead if holds else "") + "; ".join(parts)
    return Verdict(HOLDS if holds else DIFFERS, headline, f"{text}.")


def lesion_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw the error without each block, and with several deleted."""
    figure, axes = plotting.new_figure(1, 2, 9.4, 4, sharey=True)
    plotting.label_axes(axes[0, 0], "block that is deleted (1: nearest the input)", "test error, %")
    plotting.label_axes(axes[0, 1], "number of random blocks deleted", "")
    for name in found.by_arm:
        runs = [r for r in found.by_arm[name] if r.points]
        if not runs:
            continue
        colour = RESIDUAL if is_residual(name) else PLAIN
        single = [[p["error"] for p in r.points if p["block"] is not None] for r in runs]
        at = np.arange(1, len(single[0]) + 1)
        plotting.band_curve(axes[0, 0], at, single, name, colour, marker="o")
        whole = float(np.mean([r.points[0]["error"] for r in runs]))
        axes[0, 0].axhline(whole, color=colour, linestyle=":", linewidth=1, label="_")
        counts = sorted({p["blocks"] for p in runs[0].points if _deleted(p)})
        several = [[_mean_after(r.points, k) for k in [0, *counts]] for r in runs]
        plotting.band_curve(axes[0, 1], [0, *counts], several, name, colour, marker="o")
    for axis in axes[0]:
        plotting.reference_line(axis, "guessing", y=GUESSING)
        axis.set_ylim(-3, 100)
        axis.xaxis.get_major_locator().set_params(integer=True)
    how = small.about(form) if not (form.full or form.weights) else f"Test images of {form.data}"
    note = f"{how}. Dotted: the whole nets. Of plain nets only blocks that keep the shape."
    drawing.state(figure, verdict, drawing.small_note(found, note))
    plotting.label_curves(*axes[0])
    return figure


def _deleted(point: dict[str, Any]) -> bool:
    return point["lesion"] == "delete" and point["block"] is None


def _mean_after(points: Sequence[dict[str, Any]], k: int) -> float:
    if k == 0:
        return float(points[0]["error"])
    return float(np.mean([p["error"] for p in points if _deleted(p) and p["blocks"] == k]))


# ---- paths --------------------------------------------------------------------------------------
LAYERS, BLOCKS, IMAGES = 108, 54, 128  # as many blocks as ResNet-110 has


def paths_arms(form: Form) -> list[Arm]:
    """Return a pre-activation net of 54 blocks, before and after training."""
    if form.full:
        return [Arm("trained", _full_paths(form), None, "5 to 17", {"model": "preact_resnet110"})]
    setting, recipe = small.mlp(LAYERS, "preact"), Recipe()
    settings = small.described(setting, recipe)
    untrained = Arm("untrained", _paths(form, setting, None), settings=settings)
    return [untrained, Arm("trained", _paths(form, setting, recipe), None, "5 to 17", settings)]


def _paths(form: Form, setting: Any, recipe: Recipe | None) -> Any:
    def measure(seed: int) -> Result:
        images = small.sample(form)
        features = images.x_train.reshape(len(images.x_train), -1)[:IMAGES]
        if recipe is None:
            net = setting.build(features.shape[1:], seed).train()
        else:
            net, curve, _ = small.trained(form, setting, recipe, seed)
            if curve.diverged_at is not None:
                return Result(None, curve.diverged_at, note=images.note)
            net.eval()
        return measured(net, features, images.y_train[:IMAGES], seed, images.note)

    return measure


def _full_paths(form: Form) -> Any:
    model = "preact_resnet110"

    def measure(seed: int) -> Result:
        trained, result = real.trained(form, model, model, {}, seed)
        if trained is None:
            return result
        images = data.load(form.data, "train", form.root)
        x = trained.normalise(images.x[:IMAGES])
        return measured(trained.net, x, images.y[:IMAGES], seed, images.note)

    return measure


def measured(net: Any, x: Any, y: Any, seed: int, note: str) -> Result:
    """Return the mean effective path length, with the share of each length as points.

    An untrained net is measured in training mode, a trained one in evaluation mode.
    """
    found = paths.effective(net, x, y, seed=seed)
    numbers = {"low": found.low, "high": found.high, "factor": found.factor, "blocks": found.blocks}
    many = np.array(paths.counts(found.blocks), float) / 2.0**found.blocks
    points = [
        {"length": k, "share": float(found.share[k]), "paths": float(many[k])}
        for k in range(found.blocks + 1)
    ]
    return Result(found.mean, None, numbers, points, note)


def paths_verdict(form: Form, found: Found) -> Verdict:
    """Check that the lengths that count lie below the binomial mean, and near the paper's range."""
    mean = found.level("trained")
    low, high = (float(np.mean(found.numbers("trained", n) or [math.nan])) for n in ("low", "high"))
    blocks = int(found.numbers("trained", "blocks")[0]) if found.numbers("trained", "blocks") else 0
    short = high < blocks / 2
    near = abs(low - 5) <= 4 and abs(high - 17) <= 7
    factor = float(np.mean(found.numbers("trained", "factor") or [math.nan]))
    headline = (
        f"Most paths through {blocks} blocks take {blocks // 2} of them, but the gradient comes "
        f"along those that take {low:.0f} to {high:.0f}"
    )
    text = (
        f"95 % of the gradient of the trained net comes along paths through {low:.0f} to "
        f"{high:.0f} of {blocks} blocks, {mean:.1f} on average (paper: 5 to 17); each branch "
        f"taken multiplies the gradient of a path by {factor:.2f}."
    )
    lead = "the claim holds, short paths carry the gradient: "
    holds = short and near
    return Verdict(HOLDS if holds else DIFFERS, headline, (lead if holds else "") + text)


def paths_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw the shares of the path lengths: of the paths, and of the gradient."""
    figure, axes = plotting.new_figure(1, 1, 7.2, 4)
    axis = axes[0, 0]
    plotting.label_axes(axis, "blocks whose branch a path takes", "share")
    colours = {"trained": RESIDUAL, "untrained": plotting.COLOURS[4]}
    ways: dict[str, tuple[list[list[float]], str]] = {}
    for name, runs in found.by_arm.items():
        shares = [[p["share"] for p in r.points] for r in runs if r.points]
        ways[f"gradient, {name}"] = (shares, colours[name])
    some = next((r.points for r in found.results if r.points), [])
    ways["number of paths"] = ([[p["paths"] for p in some]] if some else [], GREYS[0])
    for label, (ys, colour) in ways.items():
        if not ys:
            continue
        plotting.band_curve(axis, np.arange(len(ys[0])), ys, "_", colour)
        middle = np.mean(ys, axis=0)
        top = int(middle.argmax())
        axis.annotate(
            label, (top, middle[top]), (6, 6), textcoords="offset points", fontsize=9, color=colour
        )
    axis.set_ylim(bottom=0)
    net = "ResNet-110, CIFAR-10" if form.full else f"{small.about(form)}, MLP of {BLOCKS} blocks"
    note = f"{net}, pre-activation, batch norm. 6 random paths for each length measured."
    drawing.state(figure, verdict, drawing.small_note(found, note))
    return figure


REPRODUCTIONS = (
    Reproduction(
        name="lesion",
        title="What remains of a trained net without one of its blocks?",
        paper=f"{PAPER}, Figures 3 and 5",
        theirs="figures without a table: deleting one of ResNet-110's 54 blocks hardly raises its "
        "error, deleting any layer of VGG raises it to about 90 %",
        ours=("test error after deleting one block, %", "test error after deleting one block, %"),
        short="ResNet-32 and plain-32 of 8 filters on digits, 200 steps; or trained nets: "
        "--data cifar10 --weights resnet20=shipped --weights plain20=FILE",
        minutes=1,
        full="ResNet-110 and plain-20 with the he2015 recipe: about 7 times a ResNet-20's hours",
        data=("digits", "cifar10"),
        arms=lesion_arms,
        verdict=lesion_verdict,
        draw=lesion_figure,
        weights=True,
    ),
    Reproduction(
        name="paths",
        title="How long are the paths that carry the gradient?",
        paper=f"{PAPER}, §4.2 and Figure 6",
        theirs="blocks on the paths of ResNet-110 (54 blocks) that contribute the gradient",
        ours=("mean length of paths, weighted by gradient, blocks",) * 2,
        short="pre-activation MLP of 54 blocks on digits, before and after 20 epochs",
        minutes=1,
        full="ResNet-110 (pre-activation) with the he2015 recipe: 6 times a ResNet-20's hours",
        data=("digits", "cifar10"),
        arms=paths_arms,
        verdict=paths_verdict,
        draw=paths_figure,
        unit="blocks",
        seeds=3,
    ),
)

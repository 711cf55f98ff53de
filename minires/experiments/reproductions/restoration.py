"""Super-resolution (Kim et al. 2016) and denoising (Zhang et al. 2017): residual or direct."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import plotting
from ...plotting import PLAIN, RESIDUAL, shades
from .. import pictures, superres
from . import drawing
from .base import DIFFERS, HOLDS, Arm, Form, Found, Reproduction, Result, Verdict

DATA = ("leaves", "cifar10", "digits", "folder:PATH")
AT = (10, 25, 50, 100, 150, 200)


def _arm(
    form: Form, name: str, damage: superres.Damage, what: str, says: str = "",
    paper: float | None = None, **options: Any,
) -> Arm:  # fmt: skip
    train, test = (50_000, 2_000) if form.full else (2_000, 200)

    def measure(seed: int) -> Result:
        clean, held, note = pictures.load(form.data, train, test, root=form.root)
        if not options:  # what comes in
            value = superres.psnr(damage(held, np.random.default_rng(2)), held)
            return Result(value, note=note)
        found = superres.train(clean, held, damage, seed=seed, **options)
        points = [
            {"step": step, "psnr": value, "before": found.before}
            for step, value in zip(found.steps, found.psnr, strict=True)
        ]
        numbers = {"before": found.before}
        if found.diverged_at is not None:
            return Result(None, found.diverged_at, numbers, points, note)
        return Result(found.psnr[-1], None, numbers, points, note)

    return Arm(name, measure, paper, says, {"damage": what, "pictures": train, **options})


# ---- super-resolution ---------------------------------------------------------------------------
def depths(form: Form) -> tuple[int, ...]:
    """Return the depths that are compared."""
    return (20,) if form.full else (5, 10)


def superres_arms(form: Form) -> list[Arm]:
    """Return residual and direct nets of each depth, and the pictures that come in."""
    damage = superres.blurred(2)
    arms = [_arm(form, "bicubic", damage, "×2")]
    full: dict[str, Any] = {
        "width": 64, "steps": 60_000, "optimizer": "sgd", "lr": 0.1, "theta": 1e-3,
        "batch_size": 64, "evaluate_at": tuple(range(1000, 60_000, 1000)),
    }  # fmt: skip
    short: dict[str, Any] = {"width": 16, "steps": 200, "evaluate_at": AT}
    for depth in depths(form):
        for name, residual in (("residual", True), ("direct", False)):
            options: dict[str, Any] = {
                "depth": depth,
                "residual": residual,
                **(full if form.full else short),
            }
            arms.append(_arm(form, f"{name}, {depth} layers", damage, "×2", **options))
    return arms


def superres_verdict(form: Form, found: Found) -> Verdict:
    """Check that the residual net is ahead of the direct one at every depth."""
    pairs = [
        (d, found.level(f"residual, {d} layers", 0.0), found.level(f"direct, {d} layers", 0.0))
        for d in depths(form)
    ]
    before = found.level("bicubic")
    holds = all(r > p for _, r, p in pairs)
    depth, residual, direct = pairs[-1]
    steps = found.by_arm[f"residual, {depth} layers"][0].points
    after = f" after {steps[-1]['step']:,} steps" if steps else ""
    headline = (
        f"A net of {depth} layers that learns the residual is {residual - direct:.1f} dB ahead of "
        f"its direct twin{after}"
    )
    listed = ", ".join(f"{d} layers {r:.2f} and {p:.2f} dB" for d, r, p in pairs)
    text = f"residual and direct: {listed}; bicubic {before:.2f} dB."
    if residual <= before + 0.05:
        text += f" The residual net of {depth} layers has not passed bicubic yet."
    if holds:
        text = f"the claim holds, learning the residual converges faster: {text}"
    if not form.full:
        text += " The gap is one of speed, and shrinks with training."
    return Verdict(HOLDS if holds else DIFFERS, headline, text)


def superres_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw PSNR along the training."""
    figure, axes = plotting.new_figure(1, 1, 7.2, 4.2)
    axis = axes[0, 0]
    plotting.label_axes(axis, "training step", "PSNR of the test pictures, dB", "x")
    ds = depths(form)
    for name, base in (("residual", RESIDUAL), ("direct", PLAIN)):
        for depth, colour in zip(ds, shades(base, len(ds)), strict=True):
            drawing.curves(axis, found, f"{name}, {depth} layers", "step", "psnr",
                           f"{name}, {depth}", colour)  # fmt: skip
    if found.values("bicubic"):
        plotting.reference_line(axis, "bicubic", y=found.level("bicubic"))
    optimiser = "SGD with clipping, 64 filters" if form.full else "Adam, 16 filters"
    note = f"{about(form)} reduced by 2 and enlarged again; {optimiser}."
    drawing.state(figure, verdict, drawing.small_note(found, note))
    if any(r.points and r.value is not None for r in found.results):
        plotting.label_curves(axis)
    return figure


def about(form: Form) -> str:
    """Return the pictures for a figure's note."""
    return {
        "leaves": "Made pictures of 32 × 32 (dead leaves)",
        "cifar10": "CIFAR-10 in grey",
        "digits": "Digits enlarged to 32 × 32",
    }.get(form.data, "Pictures of a folder, grey, 32 × 32")


# ---- denoising ----------------------------------------------------------------------------------
BSD68 = {15: 31.73, 25: 29.23, 50: 26.23}


def denoise_arms(form: Form) -> list[Arm]:
    """Return residual and direct nets with and without batch norm, and other noise."""
    size: dict[str, Any] = {"depth": 10, "width": 16, "steps": 150}
    if form.full:
        size = {"depth": 17, "width": 64, "steps": 50_000, "batch_size": 128}
    at = tuple(range(1000, 50_000, 1000)) if form.full else AT
    arms = [_arm(form, "noisy, σ = 25", superres.noisy(25), "σ = 25")]
    for norm in ("bn", "none"):
        for name, residual in (("residual", True), ("direct", False)):
            options = {**size, "residual": residual, "norm": norm, "evaluate_at": at}
            label = f"{name}, {'batch norm' if norm == 'bn' else 'no norm'}"
            paper = BSD68[25] if (norm, residual) == ("bn", True) else None
            arms.append(_arm(form, label, superres.noisy(25), "σ = 25", paper=paper, **options))
    for sigma in (15, 50):
        options = {**size, "residual": True, "norm": "bn", "evaluate_at": at}
        arms.append(
            _arm(form, f"residual, batch norm, σ = {sigma}", superres.noisy(sigma), f"σ = {sigma}",
                 paper=BSD68[sigma], **options)
        )  # fmt: skip
    return arms


FOUR = ("residual, batch norm", "direct, batch norm", "residual, no norm", "direct, no norm")


def denoise_verdict(form: Form, found: Found) -> Verdict:
    """Check that residual learning helps with and without batch norm, and which is best."""
    levels = {n: found.level(n, 0.0) for n in FOUR}
    best = max(levels, key=lambda n: levels[n])
    helps = [levels[FOUR[i]] - levels[FOUR[i + 1]] for i in (0, 2)]
    before = found.level("noisy, σ = 25")
    holds = min(helps) > 0 and best == FOUR[0]
    headline = (
        f"Learning the noise is {helps[0]:.1f} dB ahead of learning the picture with batch norm, "
        f"{helps[1]:.1f} dB without"
    )
    text = (
        f"at σ = 25 the best of four is {best} ({levels[best]:.2f} dB; noisy {before:.2f}); "
        f"residual minus direct: {helps[0]:+.2f} dB with batch norm, {helps[1]:+.2f} without."
    )
    if holds:
        text = f"the order of the paper holds, residual learning with batch norm is best: {text}"
    text += " The paper's dB are of other pictures (BSD68) and not to be compared with ours."
    return Verdict(HOLDS if holds else DIFFERS, headline, text)


def denoise_figure(form: Form, found: Found, verdict: Verdict) -> Any:
    """Draw a bar per net."""
    return drawing.bars(
        form, found, verdict, x="PSNR of the test pictures, dB",
        note=f"{about(form)}; σ = 25 unless named. In brackets: the paper's on BSD68.",
        highlight=[n for n in found.by_arm if n.startswith("residual")],
        form_of_value="{:.1f} dB",
    )  # fmt: skip


REPRODUCTIONS = (
    Reproduction(
        name="superres",
        title="Is it easier to learn what is missing than the whole picture?",
        paper="Kim, Lee and Lee 2016 (1511.04587), abstract and §3",
        theirs="the claim that learning residuals converges faster; its dB are of other pictures",
        ours=("PSNR of ×2 after 200 steps, dB", "PSNR of ×2 after 60,000 steps, dB"),
        short="nets of 5 and 10 layers and 16 filters on made pictures, 200 steps",
        minutes=1.5,
        full="20 layers of 64 filters, SGD 0.1 with adjustable clipping, 60,000 steps: days",
        data=DATA,
        arms=superres_arms,
        verdict=superres_verdict,
        draw=superres_figure,
        unit="dB",
    ),
    Reproduction(
        name="denoise",
        title="Is it easier to learn the noise than the picture?",
        paper="Zhang, Zuo, Chen, Meng and Zhang 2017 (1608.03981)",
        theirs="PSNR on BSD68, dB, of DnCNN (residual, batch norm); that both help",
        ours=("PSNR after 150 steps, dB", "PSNR after 50,000 steps, dB"),
        short="nets of 10 layers and 16 filters on made pictures, 150 steps",
        minutes=3,
        full="17 layers of 64 filters, 50,000 steps: days",
        data=DATA,
        arms=denoise_arms,
        verdict=denoise_verdict,
        draw=denoise_figure,
        unit="dB",
    ),
)

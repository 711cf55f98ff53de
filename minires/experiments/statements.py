"""What the figures of the experiments state as their titles, computed from the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .degradation import Curve
from .gradflow import Run
from .panels import change
from .settings import NORM_NAMES, SKIP_NAMES
from .tables import by_net, decades_lost, errors, groups


# ---- gradient flow ------------------------------------------------------------------------------
def gradflow_statement(runs: Sequence[Run], init: str, norm: str, of: str = "") -> str:
    """Return what the deepest untrained nets show, e.g. "56 plain layers lose 22 decades, …".

    `of` follows the first "decades", e.g. " of the gradient".
    """
    step = min(r.step for r in runs)
    nets = {s: r for s, r in groups(runs, step).items() if (s.init, s.norm) == (init, norm)}
    depth = max(s.depth for s in nets)
    found = {s.skip: change(decades_lost(r)) for s, r in nets.items() if s.depth == depth}
    (first, (verb, amount)), *others = found.items()
    whole = amount.replace(" decades", f" decades{of}")
    text = f"{depth} {SKIP_NAMES[first]} layers {verb} {whole}".rstrip()
    for skip, (its_verb, its_amount) in others:
        twins = f"their {SKIP_NAMES[skip]} twins" if first == "none" else SKIP_NAMES[skip]
        if (its_verb, its_amount) == (verb, amount):
            text += f", as do {twins}"
        elif its_verb == verb:
            text += f", {twins} {its_amount.removesuffix(' decades')}"
        else:
            text += f", {twins} {its_verb} {its_amount}".rstrip()
        verb, amount = its_verb, its_amount
    unmeasured = sorted({s.skip for s in nets} - set(found))
    return text + "".join(f", {SKIP_NAMES[s]} ones were not measured" for s in unmeasured)


def training_statement(runs: Sequence[Run]) -> str:
    """Return for which of the deepest nets training changes the gradient most, and how."""
    depth = max(r.setting.depth for r in runs)
    found, lost = [], []
    for setting, same in groups(runs).items():
        steps = min(r.step for r in same), max(r.step for r in same)
        first, last = (decades_lost([r for r in same if r.step == step]) for step in steps)
        if setting.depth == depth and any(r.diverged for r in same):
            lost.append(f"{SKIP_NAMES[setting.skip]} ({NORM_NAMES[setting.norm]})")
        elif setting.depth == depth and first is not None and last is not None:
            found.append((setting, steps, first, last))
    if not found:
        return f"Nets of {depth} layers diverge"
    end = f"; diverged: {', '.join(lost)}" if lost else ""
    setting, steps, first, last = max(found, key=lambda f: _apart(f[2], f[3]))
    if _apart(first, last) < 1:  # training changes little: what stays as it was?
        setting, steps, first, last = max(found, key=lambda f: abs(f[3]))
    who = f"{depth} {SKIP_NAMES[setting.skip]} layers ({NORM_NAMES[setting.norm]})"
    (verb, amount), (then, amount_then) = change(first), change(last)
    whole = amount.replace(" decades", " decades of the gradient")
    if (verb, amount) == (then, amount_then):
        return f"{who} {verb} {whole}, at step {steps[0]} as at step {steps[1]}{end}"
    later = f"{then} {amount_then}" if then != verb else amount_then.removesuffix(" decades")
    return f"{who} {verb} {whole} at step {steps[0]} and {later} at step {steps[1]}{end}"


def _apart(a: float, b: float) -> float:
    return 0.0 if a == b else abs(a - b)  # both may be infinite


# ---- degradation --------------------------------------------------------------------------------
def degradation_statement(curves: Sequence[Curve]) -> str:
    """Return what the experiment shows, e.g. "From 6 to 108 layers the training error of …".

    Kinds of nets are compared over the depths at which all of them have an error; what is missing
    at others is named, diverged or not trained.
    """
    nets = by_net(curves)
    means = {net: float(np.mean(e)) for net, same in nets.items() if (e := errors(same))}
    skips = list(dict.fromkeys(skip for skip, _ in means))
    depths = sorted({d for _, d in means if all((skip, d) in means for skip in skips)})
    parts: list[str] = []
    for skip in skips:
        subject = f"{'that' if parts else 'the training error'} of {SKIP_NAMES[skip]} nets"
        if depths:
            parts.append(f"{subject} {_course([means[skip, d] for d in depths])}")
        else:  # none in common: each kind at the deepest of its own
            depth = max(d for s, d in means if s == skip)
            parts.append(f"{subject} of {depth} layers is {means[skip, depth]:.1f} %")
    if len(depths) > 1:
        parts[0] = f"From {depths[0]} to {depths[-1]} layers {parts[0]}"
    elif depths:
        parts[0] = f"With {depths[0]} layers {parts[0]}"
    text = ", ".join([*parts, *_missing(nets, means)])
    return text[:1].upper() + text[1:]


def _course(means: Sequence[float]) -> str:
    """Return what an error in % does over the depths."""
    first, last = means[0], means[-1]
    if len(means) == 1:
        return f"is {first:.1f} %"
    if max(means) - min(means) < 2:
        return f"stays below {math.floor(max(means)) + 1} %"
    if abs(last - first) < 1:
        return f"lies between {min(means):.0f} and {max(means):.0f} %"
    return f"{'rises' if last > first else 'falls'} from {first:.0f} to {last:.0f} %"


def _missing(
    nets: Mapping[tuple[str, int], Sequence[Curve]], means: Mapping[tuple[str, int], float]
) -> list[str]:
    """Name the nets without an error: "residual nets of 54 layers diverge"."""
    depths = sorted({depth for _, depth in nets})
    parts = []
    for skip in dict.fromkeys(skip for skip, _ in nets):
        lost = [d for d in depths if (skip, d) in nets and (skip, d) not in means]
        untrained = [d for d in depths if (skip, d) not in nets]
        for which, verb in ((lost, "diverge"), (untrained, "were not trained")):
            if which:
                of = "" if which == depths else f" of {_listed(which)} layers"
                parts.append(f"{SKIP_NAMES[skip]} nets{of} {verb}")
    return parts


def _listed(numbers: Sequence[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} and {last}" if most else last


def loss_statement(curves: Sequence[Curve]) -> str:
    """Return to which loss the deepest nets come, e.g. "108 plain layers end at a loss of 2"."""
    nets = by_net(curves)
    depth = max(depth for _, depth in nets)
    parts: list[str] = []
    for skip in sorted({skip for skip, _ in nets}, key=lambda skip: (skip, depth) not in nets):
        same = nets.get((skip, depth), [])
        ends = [c.losses[-1] for c in same if c.diverged_at is None and c.losses]
        who = f"{SKIP_NAMES[skip]} ones" if parts else f"{depth} {SKIP_NAMES[skip]} layers"
        if ends:
            parts.append(f"{who} {'at' if parts else 'end at a loss of'} {np.mean(ends):.2g}")
        else:
            parts.append(f"{who} {'diverge' if same else 'were not trained'}")
    return ", ".join(parts)

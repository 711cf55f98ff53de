"""What is wrong with the gradient flow of one net, in words, with the rule and where it is from.

Thresholds marked "calibrated" lie between what sick and healthy nets of minires and PyTorch show on
one batch (tests/experiments/test_health.py, and benchmarks/diagnosis_nets.py for 60 that were
judged unseen first): healthy nets train to a low error on digits, sick ones do not, or only by
chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .rows import BlockRecord, LayerRecord

Layers = Sequence[LayerRecord]
Blocks = Sequence[BlockRecord]

DECADES = 3.0  # of gradient, between the last layer and the first
GROWN, FADED = 1.5, 2.2  # decades of the signal, from the second layer to the last
LARGE = 100.0  # RMS of the last layer's input
DEAD = 0.8  # of a layer's units
FLAT = 0.3  # of a layer's outputs
ALIKE = 0.98, 0.997  # mean cosine between samples, at the last layer but one: deep nets, others
DEEP = 20  # layers on the main path, of which the way from x to the loss is that much longer
SHARE = 3.0  # of a branch, over its stream
UPDATE = 1e-6, 0.2  # smallest median, largest of ‖ΔW‖ / ‖W‖
CALIBRATED = "our calibration: healthy nets {}, sick ones {}"


@dataclass(frozen=True)
class Finding:
    """One ailment: what was measured, the rule and its source, what to try, what explains it."""

    name: str
    text: str
    rule: str
    advice: str
    lesson: int

    def __str__(self) -> str:
        return (
            f"{self.name.upper()}. {self.text}\n  rule: {self.rule}\n  try: {self.advice}\n"
            f"  why: minires lessons run {self.lesson}"
        )


@dataclass
class Diagnosis:
    """The findings, worst first; `notes` say what could not be judged."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    judged: bool = True

    @property
    def healthy(self) -> bool:
        """Whether nothing was found, and enough was seen to say so."""
        return self.judged and not self.findings

    def headline(self, net: str) -> str:
        """Return the diagnosis in a line, e.g. for a figure's title."""
        if self.findings:
            return f"{net}: {self.findings[0].text}"
        if not self.judged:
            return f"{net}: cannot be judged from this batch"
        return f"{net}: gradient, signal and units are within the bounds of healthy nets"

    def __str__(self) -> str:
        if self.healthy:
            head = (
                "Healthy: no ailment found. Gradient and signal shrink and grow no more than in "
                "nets that train, units are alive, samples differ. (Whether the net generalises, "
                "or the rate is right, one batch does not tell.)"
            )
        elif self.findings:
            head = "\n".join(map(str, self.findings))
        else:
            head = "Cannot be judged."
        return "\n".join([head, *(f"Note: {note}" for note in self.notes)])


def diagnose(layers: Layers, blocks: Blocks, loss: float) -> Diagnosis:
    """Return what the rows of one forward and backward pass show."""
    found = Diagnosis()
    if broken := _not_finite(layers, loss):
        found.findings.append(broken)
        return found
    if cut := _cut(layers):
        found.findings.append(cut)
    last = layers[-1] if layers else None
    if last is None or last.dx_norm is None:
        found.judged = False
        found.notes.append("no gradient arrived at the input of the last layer")
        return found
    if last.w_norm == 0:
        found.judged = False
        found.notes.append(
            f"the weights of {_name(last)} are all 0, as Fixup and others start them: no gradient "
            "gets past it in the first step. Take a step, then measure."
        )
    else:
        for rule in (_vanishing, _exploding):
            if finding := rule(layers, blocks):
                found.findings.append(finding)
    rules: list[Callable[[Layers, Blocks], Finding | None]] = [
        _signal, _branch, _dead, _saturated, _alike, _update,
    ]  # fmt: skip
    found.findings += [finding for rule in rules if (finding := rule(layers, blocks))]
    first = layers[0].forward_rms
    if first is not None and not 0.01 <= first <= 30:
        found.notes.append(
            f"the input has an RMS of {first:.3g}; inputs of mean 0 and variance 1 are what "
            "initialisations assume (LeCun et al. 1998, Efficient BackProp, §4.3)"
        )
    return found


def on_path(layers: Layers) -> list[LayerRecord]:
    """Return the layers on the main path that have a gradient."""
    return [s for s in layers if s.stream and s.dx_norm is not None]


def _name(layer: LayerRecord) -> str:
    return layer.name or "the net"


def _finite(x: float | None) -> bool:
    return x is None or math.isfinite(x)


def _not_finite(layers: Layers, loss: float) -> Finding | None:
    rule = "a norm or the loss is NaN or infinite (IEEE 754: float32 ends at 3.4e38)"
    advice = (
        "look for a division by 0, log of 0 or an overflow in front of it; normalise the input; "
        "a smaller rate, if it came while training"
    )
    for s in layers:
        if not math.isfinite(s.w_norm):
            text = f"Weights of {_name(s)} are not finite."
            return Finding("not finite", text, rule, advice, 11)
    for s in layers:
        if not _finite(s.forward_rms):
            text = f"The signal is not finite from {_name(s)} on (layer {s.index})."
            return Finding("not finite", text, rule, advice, 8)
    for s in reversed(layers):  # the way of the gradient
        if not (_finite(s.dx_norm) and _finite(s.dw_norm)):
            text = f"The gradient is not finite from {_name(s)} back (layer {s.index})."
            return Finding("not finite", text, rule, advice, 4)
    if math.isfinite(loss):
        return None
    return Finding("not finite", f"The loss is {loss}.", rule, advice, 11)


def _cut(layers: Layers) -> Finding | None:
    cut = [s for s in layers if s.forward_rms is not None and s.dx_norm is None is s.dw_norm]
    if not cut or len(cut) == len(layers):
        return None
    text = f"No gradient at all reaches {_listed(cut)}."
    rule = "the layer ran, and no path leads from it to the loss"
    advice = "look for detach(), no_grad, argmax or .data behind it, or an output nobody uses"
    return Finding("cut off", text, rule, advice, 0)


def _listed(layers: Layers) -> str:
    names = list(dict.fromkeys(map(_name, layers)))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _vanishing(layers: Layers, blocks: Blocks) -> Finding | None:
    path = on_path(layers)
    if len(path) < 2 or not path[-1].dx_norm:
        return None
    rule = f"more than {DECADES:g} decades from the last layer to the first; "
    rule += CALIBRATED.format("lose up to 2.8", "3.1 and more") + " (Hochreiter 1991; He 2015)"
    advice = (
        "an initialisation that fits the activation (He for ReLU), a norm, ReLU for sigmoid, skips"
    )
    zero = [s for s in path if s.dx_norm == 0]
    if zero:
        text = f"The gradient is exactly 0 at {_name(zero[-1])} and in front of it."
        return Finding("vanishing", text, rule, advice, 2)
    lost = math.log10(path[-1].dx_norm) - math.log10(path[0].dx_norm or 1)
    if lost <= DECADES:
        return None
    a_layer = 10 ** (-lost / (len(path) - 1))
    text = (
        f"The gradient loses {lost:.1f} decades on its way back over {len(path)} layers of the "
        f"main path, a factor of {a_layer:.2f} each."
    )
    return Finding("vanishing", text, rule, advice, 2)


def _exploding(layers: Layers, blocks: Blocks) -> Finding | None:
    path = [s for s in on_path(layers) if s.dx_norm]
    if len(path) < 2:
        return None
    top = max(path, key=lambda s: s.dx_norm or 0)
    gained = math.log10(top.dx_norm or 1) - math.log10(path[-1].dx_norm or 1)
    if gained <= DECADES:
        return None
    passed = path.index(path[-1]) - path.index(top)
    text = (
        f"The gradient gains {gained:.1f} decades on its way back to {_name(top)}, "
        f"a factor of {10 ** (gained / passed):.2f} for each layer of the main path."
    )
    rule = f"more than {DECADES:g} decades above the last layer's; "
    rule += CALIBRATED.format("gain up to 2.4", "3.2 and more")
    advice = (
        "with batch norm and no skips each ReLU layer multiplies by 1.21 (Yang et al. 2019): add "
        "skips; without a norm smaller weights; with skips smaller branches; clip the first steps"
    )
    return Finding("exploding", text, rule, advice, 4)


def _signal(layers: Layers, blocks: Blocks) -> Finding | None:
    path = [s for s in layers if s.stream and s.forward_rms]
    if len(path) < 3:
        return None
    first, last = path[1], path[-1]
    changed = math.log10(last.forward_rms or 1) - math.log10(first.forward_rms or 1)
    grows = changed > 0
    most = GROWN if grows else FADED
    if abs(changed) <= most:
        return _large(last)
    shares = sorted(b.share for b in blocks if b.share is not None)
    text = (
        f"The signal {'grows' if grows else 'shrinks'} by {abs(changed):.1f} decades from "
        f"{_name(first)} to {_name(last)}."
    )
    if grows and shares:
        text += f" Branches are {shares[len(shares) // 2]:.1f} times their streams (median)."
    rule = f"the RMS of x {'grows' if grows else 'shrinks'} by more than {most:g} decades; "
    rule += CALIBRATED.format(*(("by up to 1.2", "2.1 and more") if grows else ("2.1", "2.6")))
    advice = (
        "a norm, branches × 1/√blocks, or branches that start at 0 (SkipInit, ReZero, Fixup)"
        if grows and shares
        else "an initialisation with Var w = gain² / fan-in (He et al. 2015, eq. 10), or a norm"
    )
    name = "signal grows" if grows else "signal fades"
    return Finding(name, text, rule, advice, 8 if shares else 2)


def _large(last: LayerRecord) -> Finding | None:
    if last.forward_rms is None or last.forward_rms <= LARGE:
        return None
    text = f"The signal has an RMS of {last.forward_rms:.3g} at {_name(last)}."
    rule = f"RMS of the last layer's x above {LARGE:g}; " + CALIBRATED.format(
        "up to 8", "150 and more"
    )
    advice = "normalise the input (mean 0, variance 1), a norm, smaller branches"
    return Finding("signal large", text, rule, advice, 8)


def _branch(layers: Layers, blocks: Blocks) -> Finding | None:
    shares = [(b.share, b) for b in blocks if b.share is not None]
    if not shares:
        return None
    largest, block = max(shares, key=lambda pair: pair[0])
    if largest <= SHARE:
        return None
    many = sum(share > SHARE for share, _ in shares)
    text = (
        f"In {many} of {len(shares)} residual sums the branch dominates its stream; in "
        f"{block.name or 'the net'} it is {largest:.1f} times as large: x is hardly passed on."
    )
    rule = f"RMS of the branch over that of the stream above {SHARE:g}; "
    rule += (
        CALIBRATED.format("up to 2.8", "10 and more") + "; with a norm it falls as 1/√l (De and "
    )
    rule += "Smith 2020, §2)"
    advice = (
        "a smaller factor of the branch, its last γ at 0, He init; a look at what x is scaled by"
    )
    return Finding("branch dominates", text, rule, advice, 8)


def _dead(layers: Layers, blocks: Blocks) -> Finding | None:
    dead = [s for s in layers if s.dead_relu is not None and s.dead_relu > DEAD]
    if not dead:
        return None
    worst = max(dead, key=lambda s: s.dead_relu or 0)
    text = (
        f"{100 * (worst.dead_relu or 0):.0f} % of the ReLUs after {_name(worst)} are 0 on the "
        f"whole batch ({len(dead)} such layers)."
    )
    rule = f"more than {100 * DEAD:.0f} % of a layer's units; "
    rule += CALIBRATED.format("up to 62 %", "100 %")
    advice = "biases of 0, He init, a smaller rate, leaky ReLU or GELU, a norm before the ReLU"
    return Finding("dead ReLUs", text, rule, advice, 3)


def _saturated(layers: Layers, blocks: Blocks) -> Finding | None:
    flat = [s for s in layers if s.saturated is not None and s.saturated > FLAT]
    if not flat:
        return None
    worst = max(flat, key=lambda s: s.saturated or 0)
    text = (
        f"{100 * (worst.saturated or 0):.0f} % of the outputs after {_name(worst)} lie where tanh "
        f"or sigmoid is flat ({len(flat)} such layers)."
    )
    rule = f"slope below 1 % of the largest in more than {100 * FLAT:.0f} % of the outputs; "
    rule += CALIBRATED.format("up to 1 %", "78 % and more") + " (Glorot and Bengio 2010, §3)"
    advice = "smaller weights (Xavier init), normalised inputs, a norm before the activation"
    return Finding("saturated", text, rule, advice, 2)


def _alike(layers: Layers, blocks: Blocks) -> Finding | None:
    known = [s for s in layers if s.stream and s.alike is not None][:-1]
    most = ALIKE[len(known) < DEEP]
    if len(known) < 3 or (known[0].alike or 0) > 0.9 or (known[-1].alike or 0) <= most:
        return None  # the last layer is left out: what it reads is often pooled, so alike anyway
    first, last = known[0], known[-1]
    start = next(s for s in known if (s.alike or 0) > most)
    text = (
        f"To {_name(last)} all samples look alike: the mean cosine between two of them is "
        f"{last.alike:.3f} (in the input {first.alike:.2f}), above {most:g} from "
        f"{_name(start)} on."
    )
    rule = f"mean cosine of x at the last layer but one above {ALIKE[0]:g} from {DEEP} layers on, "
    rule += f"above {ALIKE[1]:g} in nets of fewer, which learn their way out; "
    well = "up to 0.977, of 9 layers 0.995"
    sick = "of 30 layers 0.989, of 50 0.966 to 0.994, of 100 above 0.997, of 4 above 0.999"
    rule += CALIBRATED.format(well, sick) + " (Schoenholz et al. 2017, §4)"
    advice = "batch norm, skips with small branches, orthogonal init (with tanh), fewer layers"
    return Finding("samples alike", text, rule, advice, 3)


def _update(layers: Layers, blocks: Blocks) -> Finding | None:
    ratios = sorted((s.update_ratio, s.index) for s in layers if s.update_ratio is not None)
    if not ratios:
        return None
    (median, _), (largest, at) = ratios[len(ratios) // 2], ratios[-1]
    usual = "; about 1e-3 is usual (Karpathy, CS231n notes, 'Ratio of weights:updates')"
    if largest > UPDATE[1]:
        text = f"One step moves the weights of {_name(layers[at])} by {100 * largest:.0f} %."
        rule = f"‖ΔW‖ / ‖W‖ above {UPDATE[1]:g} in a layer; our calibration: conv-56 at rate 0.1 "
        rule += "trains at 0.16, conv-110 at 0.3 needs a warm-up" + usual
        return Finding("steps too large", text, rule, "a smaller rate, a warm-up, clipping", 11)
    if median < UPDATE[0]:
        text = f"One step moves half of the layers by less than {median:.0e} of their weights."
        rule = f"median of ‖ΔW‖ / ‖W‖ below {UPDATE[0]:g}: a doubling takes a million steps{usual}"
        return Finding(
            "steps too small", text, rule, "a larger rate; are the gradients scaled?", 11
        )
    return None

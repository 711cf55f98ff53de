"""Panels over the depth of a net: one quantity of its layers, in the order of the backward pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import plotting

if TYPE_CHECKING:
    from .rows import LayerRecord

Quantity = Callable[["LayerRecord"], float | None]


def _relative_dw(layer: LayerRecord) -> float | None:
    if layer.dw_norm is None or layer.w_norm == 0:
        return None
    return layer.dw_norm / layer.w_norm


QUANTITIES: dict[str, tuple[str, Quantity]] = {
    "dx": ("gradient ‖∂L/∂x‖", lambda layer: layer.dx_norm),
    "x": ("signal, RMS of x", lambda layer: layer.forward_rms),
    "dw": ("weights ‖∂L/∂W‖ / ‖W‖", _relative_dw),
}
FEW = 12  # layers whose points are drawn too
ACROSS = "layers passed on the way back from the loss"


def passed(layers: Sequence[LayerRecord]) -> list[int]:
    """Return through how many layers the gradient has come at the input of each on the main path.

    1 at the last layer (the head), all of them at the input of the net.
    """
    return [len(layers) - layer.index for layer in layers if layer.stream]


def values(nets: Sequence[Sequence[LayerRecord]], quantity: Quantity) -> Any:
    """Return (seeds, layers on the main path), NaN for what does not exist."""
    lines = [[_number(quantity(s)) for s in layers if s.stream] for layers in nets if layers]
    return np.array(lines, dtype=np.float64)


def _number(x: float | None) -> float:
    return math.nan if x is None else x


def curve(
    axis: Any,
    nets: Sequence[Sequence[LayerRecord]],
    quantity: Quantity,
    label: str,
    colour: str,
    dtype: str = "",
    **style: Any,
) -> None:
    """Draw a quantity over the layers passed: geometric mean and range over the seeds.

    Where a seed's value is 0 or not finite nothing is drawn, and a word says which it is, e.g.
    "overflows float32 here" of numbers of that `dtype`; without one it may be NaN for any reason.
    """
    found = values(nets, quantity)
    if found.size == 0:
        return
    x = np.array(passed(next(layers for layers in nets if layers)))
    x, found = x[::-1], found[:, ::-1]  # from the loss back to the input
    plotting.band_curve(axis, x, found, label, colour, centre="geometric", **style)
    drawn = (np.isfinite(found) & (found > 0)).all(axis=0)
    padded = np.concatenate(([True], drawn, [True]))
    ends = np.flatnonzero(drawn & ~(padded[:-2] & padded[2:]))
    if not drawn.any() and (label == "_" or not label.startswith("_")):  # no curve at all
        zero = (found == 0).all()
        lines = sum(text.get_gid() == "no curve" for text in axis.texts)
        axis.annotate(
            ("" if label == "_" else f"{label}: ")
            + ("0 everywhere" if zero else f"not finite{f' in {dtype}' if dtype else ''}"),
            (0.03, 0.86 - 0.07 * lines), xycoords="axes fraction", color=colour, fontsize=8.5,
            gid="no curve",
        )  # fmt: skip
    for here in ends[:1]:
        nearby = [i for i in (here + 1, here - 1) if 0 <= i < len(x) and not drawn[i]]
        zero = (found[:, nearby] == 0).any()
        left = x[here] > x[-1] / 2  # there are labels on the right
        broken = f"overflows {dtype} here" if dtype else "not finite beyond"
        axis.annotate(
            "0 from here on" if zero else broken,
            (x[here], math.exp(np.log(found[:, here]).mean())),
            (-10, 0) if left else (8, -4), textcoords="offset points",
            ha="right" if left else "left", va="center" if left else "top",
            color=colour, fontsize=8,
        )  # fmt: skip


def drawn_to(nets: Sequence[Sequence[LayerRecord]], quantity: Quantity) -> int:
    """Return how many layers back from the loss the curve of every seed reaches."""
    found = values(nets, quantity)[:, ::-1]
    known = (np.isfinite(found) & (found > 0)).all(axis=0)
    reached = len(known) if known.all() else int(np.argmin(known))
    return passed(nets[0])[::-1][reached - 1] if reached else 0


def mark_end(
    axis: Any, nets: Sequence[Sequence[LayerRecord]], quantity: Quantity, text: str
) -> None:
    """Mark in grey where a shallower net ends, on top of the deep one whose line hides its own."""
    found = values(nets, quantity)
    if found.size and np.isfinite(found[:, 0]).all() and (found[:, 0] > 0).all():
        x = passed(next(layers for layers in nets if layers))[0]
        y = math.exp(np.log(found[:, 0]).mean())
        axis.plot(x, y, "o", color=plotting.TEXT_GREY, markersize=4.5, label="_", zorder=4)
        axis.annotate(
            text, (x, y), (0, 6), textcoords="offset points", ha="center",
            color=plotting.TEXT_GREY, fontsize=8,
        )  # fmt: skip


def of_layers(layers: Sequence[LayerRecord], statement: str = "") -> Any:
    """Draw one recording, a panel per quantity; the title is by default what the gradient does."""
    figure, axes = plotting.new_figure(1, len(QUANTITIES), 10.5, 3.4)
    for axis, (name, quantity) in zip(axes[0], QUANTITIES.values(), strict=True):
        plotting.label_axes(axis, ACROSS, "", "y", name)
        axis.xaxis.label.set_size(9)
        axis.xaxis.get_major_locator().set_params(integer=True)
        margin = 0.05 * max(len(layers) - 1, 4)
        if layers:  # all of them, also where no curve is
            axis.set_xlim(1 - margin, len(layers) + margin)
        if len(layers) == 1:
            axis.set_xticks([1])
        marker = "o" if len(layers) < FEW else ""  # one layer makes no line
        curve(axis, [layers], quantity, "_", plotting.COLOURS[0], marker=marker)
    note = (
        "At each layer: the norm of the loss's gradient by its input, the root mean square of its "
        "input, and the norm of the gradient by its weights over that of the weights. "
        "A decade is a factor of 10."
    )
    plotting.state(figure, statement or _statement(layers), note)
    return figure


def _statement(layers: Sequence[LayerRecord]) -> str:
    statement = f"{len(layers)} layers"
    norms = [s.dx_norm for s in layers if s.stream and s.dx_norm]
    if len(norms) > 1 and all(map(math.isfinite, norms)):
        verb, amount = change(math.log10(norms[-1] / norms[0]))
        whole = amount.replace(" decades", " decades of the gradient")
        statement += f" {verb} {whole}"
    return statement


def change(decades: float | None) -> tuple[str, str]:
    """Return a verb and an amount for decades of gradient lost, e.g. ("lose", "22 decades")."""
    if decades is None:
        return "overflow", ""
    if math.isinf(decades):
        return "lose", "all of the gradient"
    if abs(decades) < 0.25:
        return "keep", "the gradient level"
    size = f"{abs(decades):.{0 if abs(decades) >= 9.95 else 1}f}"
    return ("lose" if decades > 0 else "gain"), f"{size} decades"

"""The atlas as a picture: a small map, depth × rate, for each norm, init and arm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minires import plotting

from . import maps

TRAINED = plotting.RESIDUAL
NEVER = "#f1f1f1"
DIVERGED = "#8a8a8a"
LINE = plotting.PLAIN


def trainability(document: maps.Document) -> Any:
    """Return the figure: in how many seeds a setting trained, and where runs diverged."""
    about = document["about"]
    axes = about["axes"]
    columns = [(norm, init) for norm in axes["norm"] for init in axes["init"]]
    rows = len(axes["arm"])
    figure, grid = plotting.new_figure(
        rows + 1, len(columns), 1.2 + 1.55 * len(columns), 1.8 + 1.2 * rows,
        gridspec_kw={"height_ratios": [1.0] * rows + [0.16]},
    )  # fmt: skip
    for axis, panel in zip(grid[:-1].flat, maps.panels(document), strict=True):
        _map(axis, document, panel)
    for axis, (norm, init) in zip(grid[0], columns, strict=True):
        name = about["names"]["init"][init]
        axis.set_title(f"{about['names']['norm'][norm]}\n{name}", fontsize=9)
    for row, arm in zip(grid[:-1], axes["arm"], strict=True):
        row[0].set_ylabel(_broken(about["names"]["arm"][arm]) + "\n\nlayers", fontsize=9)
        row[0].set_yticks(range(len(axes["depth"])), [str(d) for d in axes["depth"]], fontsize=8)
    for axis in grid[-2]:
        axis.set_xlabel("learning rate", fontsize=8)
        axis.set_xticks(
            range(len(axes["lr"])), [f"{lr:g}" for lr in axes["lr"]], fontsize=7, rotation=45
        )
    _legend(grid[-1], about)
    plotting.state(figure, statement(document), note(document))
    return figure


def _broken(name: str) -> str:
    return name.replace(", ", ",\n").replace(" at the start", "\nat the start")


def _map(axis: Any, document: maps.Document, panel: maps.Panel) -> None:
    from matplotlib.patches import Rectangle

    axes = document["about"]["axes"]
    depths, rates = axes["depth"], axes["lr"]
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.set(xlim=(-0.5, len(rates) - 0.5), ylim=(len(depths) - 0.5, -0.5))
    for i, j, cell in maps.cells(document, panel):
        at = (j - 0.5, i - 0.5)
        colour = _mix(cell.share)
        axis.add_patch(Rectangle(at, 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
        if cell.diverged:
            part = cell.diverged / cell.runs
            face = NEVER if part == 1 else "none"
            below = Rectangle((j - 0.5, i + 0.5 - part), 1, part, facecolor=face, linewidth=0)
            below.set(hatch="/////", edgecolor=DIVERGED)
            axis.add_patch(below)
    nets = [net for d in depths if (net := document["nets"].get(panel.net(d)))]
    for line in nets[0]["theory"]["lines"] if nets else []:  # the same at every depth
        _theory(axis, line, depths)
    axis.set(xticks=[], yticks=[])
    axis.tick_params(length=0)


def _mix(share: float) -> str:
    """Return the colour for the part of the seeds that trained."""
    from matplotlib.colors import to_hex, to_rgb

    never, all_ = to_rgb(NEVER), to_rgb(TRAINED)
    red, green, blue = (a + (b - a) * share for a, b in zip(never, all_, strict=True))
    return to_hex((red, green, blue))


def _theory(axis: Any, line: dict[str, Any], depths: list[int]) -> None:
    """Draw where theory says that it ends, or at the edge if that is not on the map."""
    at = maps.place(line["depth"], depths)
    last = len(depths) - 0.5
    if at > last:
        return
    at = max(at, -0.5)
    axis.axhline(at, color=LINE, linewidth=2, clip_on=False)
    axis.annotate(line["label"], (1, at), xycoords=("axes fraction", "data"), xytext=(-2, -2),
                  textcoords="offset points", ha="right", va="top", fontsize=7, color=LINE,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip


def _legend(row: Any, about: dict[str, Any]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    n = len(about["seeds"])
    handles = [
        Patch(facecolor=TRAINED, label=f"all {n} seeds train" if n > 1 else "trains"),
        Patch(facecolor=NEVER, edgecolor="#cccccc", label="none does"),
        Patch(facecolor=NEVER, hatch="/////", edgecolor=DIVERGED, label="diverged (part of them)"),
        Line2D([], [], color=LINE, linewidth=2, label="theory: ends, or gradient ×100, below"),
    ]
    for axis in row:
        axis.set_axis_off()
    legend = row[0].legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=4,
        fontsize=8, frameon=False,
    )  # fmt: skip
    legend.set_in_layout(False)  # it goes on over the columns


def statement(document: maps.Document) -> str:
    """Return in which part of the runs plain and residual nets train."""
    counts: dict[str, list[float]] = {}
    for panel in maps.panels(document):
        for _, _, cell in maps.cells(document, panel):
            known = counts.setdefault("plain" if panel.arm == "plain" else "skip", [])
            known.append(cell.share)
    said = {kind: f"{100 * sum(shares) / len(shares):.0f} %" for kind, shares in counts.items()}
    if len(said) == 2:
        return f"Plain nets train in {said['plain']} of the runs, residual ones in {said['skip']}"
    kind, share = next(iter(said.items()))
    return f"{'Plain' if kind == 'plain' else 'Residual'} nets train in {share} of the runs"


def note(document: maps.Document) -> str:
    """Return how it was measured."""
    about = document["about"]
    fixed = about["fixed"]
    return (
        f"{about['runs']:,} runs: MLPs of width {fixed['width']} on the digits, "
        f"{fixed['iterations']} steps of SGD (momentum {fixed['momentum']:g}, batches of "
        f"{fixed['batch_size']}), seeds {', '.join(map(str, about['seeds']))}. A run has trained "
        f"if its training error in the last epoch is below {100 * about['threshold']:.0f} %."
    )


def save(document: maps.Document, folder: Path) -> list[Path]:
    """Write atlas.png and atlas.svg."""
    return plotting.save_figure(trainability(document), folder / "atlas", statement(document))

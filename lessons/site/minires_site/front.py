"""The figure of the front page: the course's one contrast, drawn from what a command measured."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from minires import plotting, results
from minires.lessons import figures


def draw(folder: Path) -> str:
    """Draw layers.csv of `minires gradflow --depths 56 --norm none`, for wide and narrow screens.

    Writes contrast.svg and contrast-narrow.svg beside it; returns what the figure shows in words.
    """
    with (folder / "layers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    depth = int(rows[0]["depth"])

    def norms(skip: str) -> np.ndarray:
        """Return ‖∂L/∂x‖ (seeds, places), from the last layer to the first."""
        of = [r for r in rows if r["skip"] == skip and r["index"] in stream]
        seeds = sorted({r["seed"] for r in of})
        found = [[float(r["dx_norm"]) for r in of if r["seed"] == seed] for seed in seeds]
        return np.array(found)[:, ::-1]

    # Between the blocks, where plain and residual nets can be compared.
    stream = {r["index"] for r in rows if r["skip"] == "identity" and r["stream"] == "True"}
    plain, residual = norms("none"), norms("identity")
    indices = sorted(map(int, stream))
    layers = np.array([indices[-1] - i + 1 for i in reversed(indices)])
    start = np.exp(np.log(plain[:, 0]).mean())
    theory = np.tile(start * (1 / 6) ** ((layers - layers[0]) / 2), (len(plain), 1))

    def lost(norms: np.ndarray) -> float:
        return float(np.log10(norms[:, 0] / norms[:, -1]).mean())

    statement = (
        f"{depth} plain layers lose {lost(plain):.0f} decades of the gradient, "
        f"their residual twins {lost(residual):.1f}"
    )
    curves = {"": {"plain": plain, "theory, × √(1/6)": theory, "residual": residual}}
    x, y = "layers passed on the way back", "gradient ‖∂L/∂x‖"
    for narrow, stem in ((False, "contrast"), (True, "contrast-narrow")):
        figure = figures.curves(
            statement, layers, curves, x=x, y=y, log="y", centre="geometric", narrow=narrow,
            note="A decade is a factor of 10. Untrained ReLU nets as PyTorch initialises them.",
        )  # fmt: skip
        svg = plotting.render(figure, statement, [".svg"])[".svg"]
        results.write_bytes(folder / f"{stem}.svg", svg)
    return f"{statement}. {figures.curves_in_words(layers, curves, x, y)}"

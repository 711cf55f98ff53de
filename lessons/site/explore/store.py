"""Make the stored points of the explorable: `python lessons/site/explore/store.py [OUT]`.

Every depth × init × norm, a plain net and its residual twins, three seeds each, from
minires.experiments.explorable: one file per activation, 4 to 5 minutes of one core in all. A series
holds, in hundredths of a decade, the mean over the seeds of log10 and its standard deviation; the
means as differences from the value before. null stands for 0 in a seed, "x" for NaN or infinity.
Of a line of theory that is straight only both ends are stored, as they are.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from minires import results
from minires.experiments.explorable import BATCH, SKIPS, WIDTH, Point, net

HERE = Path(__file__).parent / "stored"
DEPTHS = (8, 20, 32, 56, 110)
INITS = ("default", "he", "xavier", "orthogonal", "identity")
NORMS = ("none", "bn")
ACTIVATIONS = ("relu", "tanh", "sigmoid")
BRANCHES = (1.0, "1/sqrt(blocks)", "skipinit")
SEEDS = (0, 1, 2)

Series = list[int | str | None]


def pack(seeds: Sequence[Sequence[float | str]]) -> dict[str, Any]:
    """Return one quantity of one net: "m" means (differences), "s" deviations, "bad" values."""
    means: Series = []
    spreads, before = [], 0
    for values in zip(*seeds, strict=True):
        if any(isinstance(v, str) for v in values) or 0 in values:
            means.append("x" if any(isinstance(v, str) for v in values) else None)
            spreads.append(0)
            continue
        logs = [100 * math.log10(float(v)) for v in values]
        here = round(float(np.mean(logs)))
        means.append(here - before)
        spreads.append(round(float(np.std(logs))))
        before = here
    flat = [v for values in seeds for v in values]
    zeros, names = sum(v == 0 for v in flat), sum(isinstance(v, str) for v in flat)
    return {"m": means, "s": spreads, **({"bad": [zeros, names]} if zeros or names else {})}


def line(values: Sequence[float]) -> list[int | None]:
    """Return a line of theory in the unit of `pack`, of a straight one only both ends.

    None where a float64 is 0.
    """
    at = [round(100 * math.log10(v)) if v > 0 else None for v in values]
    known = [v for v in at if v is not None]
    if len(known) == len(at) and _straight(known):
        return [at[0], at[-1]]
    found: list[int | None] = []
    before = 0
    for here in at:
        found.append(None if here is None else here - before)
        before = before if here is None else here
    return found


def _straight(at: Sequence[int]) -> bool:
    ends = np.linspace(at[0], at[-1], len(at))
    return bool(np.abs(ends - np.array(at)).max() <= 1)


def summary(nets: Sequence[dict[str, Any]], formulas: list[str]) -> dict[str, Any]:
    """Return one net of a point from its seeds; theory starts from their geometric means."""
    theory = [n["theory"] for n in nets]
    if theory[0]["formula"] not in formulas:
        formulas.append(theory[0]["formula"])
    entry: dict[str, Any] = {key: pack([n[key] for n in nets]) for key in ("x", "dx", "dw")}
    factors = [n["factor"] for n in nets]
    if None not in factors:
        entry["factor"] = [round(float(np.mean(factors)), 4), round(float(np.std(factors)), 4)]
    entry["formula"] = formulas.index(theory[0]["formula"])
    if theory[0]["factor"] is not None:
        entry["theory"] = {"factor": round(theory[0]["factor"], 4)}
        for key in ("x", "dx"):
            lines = np.array([t[key] for t in theory])
            with np.errstate(divide="ignore"):
                entry["theory"][key] = line(np.exp(np.log(lines).mean(axis=0)).tolist())
    return entry


def points(activation: str) -> Iterator[tuple[str, list[Callable[[], dict[str, Any]]]]]:
    """Yield the name of each net of the grid, and what measures it for each seed."""
    for depth, init, norm in product(DEPTHS, INITS, NORMS):
        kinds: list[tuple[str, str, float | str]] = [("plain", "original", 1.0)]
        kinds += [(f"{o}/{b}".replace("1.0", "1"), o, b) for o, b in product(SKIPS, BRANCHES)]
        for name, order, branch in kinds:
            nets = [Point(depth, init, norm, activation, order, branch, WIDTH, s) for s in SEEDS]
            skip = "none" if name == "plain" else SKIPS[order]
            yield (
                f"{depth}/{init}/{norm}/{name}",
                [lambda p=p, skip=skip: net(p.experiment(skip)) for p in nets],
            )


def store(activation: str, out: Path = HERE) -> Path:
    """Measure the grid for one activation and write it."""
    formulas: list[str] = []
    found = {
        name: summary([measure() for measure in seeds], formulas)
        for name, seeds in tqdm(list(points(activation)), desc=activation)
    }
    known = results.versions()
    about = {
        "command": "python lessons/site/explore/store.py",
        "versions": {name: known[name] for name in ("minires", "python", "numpy")},
        "data": "UCI digits, the first training batch of each seed",
        "axes": {"depth": DEPTHS, "init": INITS, "norm": NORMS, "branch": BRANCHES},
        "width": WIDTH,
        "batch": BATCH,
        "dtype": "float32",
        "seeds": SEEDS,
        "activation": activation,
        "unit": "hundredths of log10; m: mean over seeds, as differences; s: standard deviation",
    }
    lines = [f'"{k}":{json.dumps(v, separators=(",", ":"))}' for k, v in found.items()]
    head = json.dumps(about, ensure_ascii=False), json.dumps(formulas, ensure_ascii=False)
    text = f'{{"about":{head[0]},\n"formulas":{head[1]},\n"nets":{{\n' + ",\n".join(lines) + "}}\n"
    return results.write_text(out / f"{activation}.json", text)


if __name__ == "__main__":
    for name in ACTIVATIONS:
        path = store(name, *map(Path, sys.argv[1:2]))
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")

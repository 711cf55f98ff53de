"""Numbers for what the atlas shows, with their spread over seeds.

    python -m benchmarks.atlas.statements benchmarks/results/atlas/summary.json

rates      the highest rate that trains against depth, beside what a gradient that grows would allow
predicts   how well the gradient at step 0 tells settings that train from others (AUC)
level      what a level gradient is worth: of nets whose gradient is within ×3, how many train
init       how much the init matters: spread of trainability over inits, per norm and arm
beaten     settings in which a plain net trains and its residual twins do not
healed     how the gradient at step 0, step 1 and later differs
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minires import results

from . import maps
from .maps import DECADES, DIVERGED_AT, Document, Panel

Row = dict[str, Any]
LEVEL = math.log10(3)  # decades within which a gradient counts as level
DEEP = 24  # layers from which on nets count as deep
# decades a layer of 1.2112^-L (Yang et al. 2019) and 2^(-L/2): signal and gradient each √2 a block
LAWS = {
    ("bn", "plain"): -math.log10(math.sqrt(math.pi / (math.pi - 1))),
    ("none", "skip"): -math.log10(2) / 2,
}


# ---- the highest rate that trains ---------------------------------------------------------------
def highest(document: Document, name: str, seed: int) -> float | None:
    """Return the highest rate at which one seed of a net trains, None if it does at none."""
    trained = [
        lr
        for lr in document["about"]["axes"]["lr"]
        for run in maps.seeds(document, name, lr)[seed : seed + 1]
        if run and maps.has_trained(run, document)
    ]
    return max(trained, default=None)


def rates(document: Document) -> list[Row]:
    """Return for each norm, init and arm the highest rate by depth, and its slope.

    slope   of log10 of the rate per layer, mean and deviation over the seeds; a rate at an end of
            the range of rates is a bound, so the true slope may be larger where `capped` is not 0
    start   the slope if the first layer's steps must not grow: minus the decades a layer that its
            gradient grows by, measured at step 0; law: that of 1.2112^-L or 2^(-L/2)
    """
    about = document["about"]
    depths, most = about["axes"]["depth"], max(about["axes"]["lr"])
    found = []
    for panel in maps.panels(document):
        by_seed = [
            [highest(document, panel.net(depth), seed) for depth in depths]
            for seed in range(len(about["seeds"]))
        ]
        slopes = [s for s in (_slope(depths, rates) for rates in by_seed) if s is not None]
        row = panel._asdict() | {
            f"max {depth}": _median([rates[i] for rates in by_seed if rates[i] is not None])
            for i, depth in enumerate(depths)
        }
        row["slope"] = results.spread(slopes, "{:.3f}")
        row["start"] = _growth(document, panel)
        row["law"] = LAWS.get((panel.norm, panel.arm))
        row["capped"] = sum(rate == most for rates in by_seed for rate in rates)
        found.append(row)
    return found


def _slope(depths: Sequence[int], rates: Sequence[float | None]) -> float | None:
    known = [(d, math.log10(r)) for d, r in zip(depths, rates, strict=True) if r is not None]
    if len(known) < 2:
        return None
    x, y = zip(*known, strict=True)
    return float(np.polyfit(x, y, 1)[0])


def _growth(document: Document, panel: Panel) -> float | None:
    """Return minus the decades a layer by which the gradient grows, from all depths."""
    depths = document["about"]["axes"]["depth"]
    known = [(d, gained) for d in depths if (gained := start(document, panel.net(d))) is not None]
    if len(known) < 2:
        return None
    x, y = zip(*known, strict=True)
    return float(-np.polyfit(x, y, 1)[0])


def start(document: Document, name: str) -> float | None:
    """Return log10 of first / last gradient at step 0, the median of the seeds."""
    lost = [v for v in document["nets"].get(name, {}).get("decades", []) if v is not None]
    return -float(np.median(lost)) if lost else None


def _median(values: Sequence[Any]) -> float | None:
    return float(np.median(values)) if values else None


# ---- what step 0 tells --------------------------------------------------------------------------
def runs(document: Document) -> Iterator[tuple[Panel, int, float, int, float, bool]]:
    """Yield (panel, depth, rate, seed, log10 first / last gradient at step 0, trained) of runs."""
    axes = document["about"]["axes"]
    for panel, depth, lr in itertools.product(maps.panels(document), axes["depth"], axes["lr"]):
        lost = document["nets"].get(panel.net(depth), {}).get("decades", [])
        for seed, run in enumerate(maps.seeds(document, panel.net(depth), lr)):
            if run and seed < len(lost) and lost[seed] is not None:
                yield panel, depth, lr, seed, -lost[seed], maps.has_trained(run, document)


def auc(scores: Sequence[float], truths: Sequence[bool]) -> float | None:
    """Return the probability that a run that trained has a higher score than one that did not."""
    good = np.array([s for s, t in zip(scores, truths, strict=True) if t])
    bad = np.array([s for s, t in zip(scores, truths, strict=True) if not t])
    if not (len(good) and len(bad)):
        return None
    more = (good[:, None] > bad).mean() + (good[:, None] == bad).mean() / 2
    return float(more)


def predicts(document: Document) -> list[Row]:
    """Return for each norm, of all and of residual nets alone, the AUC of −|decades| at step 0.

    1: every run that trained has a leveller gradient than every one that did not; 0.5: it tells
    nothing. With spread over the seeds.
    """
    every = list(runs(document))
    found = []
    for norm in (*document["about"]["axes"]["norm"], "all"):
        for kind in ("all", "plain", "residual"):
            own = [r for r in every if norm in (r[0].norm, "all") and _is(kind, r[0].arm)]
            aucs = []
            for seed in range(len(document["about"]["seeds"])):
                of = [r for r in own if r[3] == seed]
                aucs.append(auc([-abs(r[4]) for r in of], [r[5] for r in of]))
            found.append({"norm": norm, "nets": kind, "runs": len(own),
                          "trained": _share([r[5] for r in own]),
                          "auc": results.spread(aucs, "{:.2f}")})  # fmt: skip
    return found


def _is(kind: str, arm: str) -> bool:
    return kind == "all" or (arm == "plain") == (kind == "plain")


def _share(truths: Sequence[bool]) -> float | None:
    return sum(truths) / len(truths) if truths else None


def level(document: Document) -> list[Row]:
    """Return, of deep nets by their gradient at step 0, which part trains at the best rate.

    Kinds: level (within ×3), vanishing and exploding. `best` is the part of net × seed that trains
    at some rate, `share` that of all runs.
    """
    found: dict[tuple[str, str, str], list[Row]] = {}
    axes = document["about"]["axes"]
    for panel, depth in itertools.product(maps.panels(document), axes["depth"]):
        gained = start(document, panel.net(depth))
        if depth < DEEP or gained is None:
            continue
        kind = "level" if abs(gained) <= LEVEL else "explodes" if gained > 0 else "vanishes"
        arms = "plain" if panel.arm == "plain" else "residual"
        for seed in range(len(document["about"]["seeds"])):
            trained = [r[5] for r in _of(document, panel, depth, seed)]
            if trained:
                row = {"any": any(trained), "share": sum(trained) / len(trained)}
                found.setdefault((panel.norm, arms, kind), []).append(row)
    return [
        {"norm": norm, "nets": arms, "gradient": kind, "nets × seeds": len(rows),
         "best": _share([row["any"] for row in rows]),
         "share": float(np.mean([row["share"] for row in rows]))}
        for (norm, arms, kind), rows in found.items()
    ]  # fmt: skip


def _of(document: Document, panel: Panel, depth: int, seed: int) -> list[Any]:
    name, rates_ = panel.net(depth), document["about"]["axes"]["lr"]
    all_ = [(lr, maps.seeds(document, name, lr)[seed : seed + 1]) for lr in rates_]
    return [(panel, depth, lr, seed, None, maps.has_trained(of[0], document))
            for lr, of in all_ if of and of[0]]  # fmt: skip


# ---- comparisons --------------------------------------------------------------------------------
def init(document: Document) -> list[Row]:
    """Return for each norm and arm the part of deep nets' runs that train, by init, and its range.

    The range is over inits, with its spread over the seeds.
    """
    about = document["about"]
    every = [r for r in runs(document) if r[1] >= DEEP]
    found = []
    for arm, norm in itertools.product(about["axes"]["arm"], about["axes"]["norm"]):
        own = [r for r in every if (r[0].arm, r[0].norm) == (arm, norm)]
        shares = {
            i: [_share([r[5] for r in own if r[0].init == i and r[3] == seed]) or 0.0
                for seed in range(len(about["seeds"]))]
            for i in about["axes"]["init"]
        }  # fmt: skip
        ranges = [max(s) - min(s) for s in zip(*shares.values(), strict=True)]
        row = {"norm": norm, "arm": arm}
        row |= {i: results.spread(s, "{:.2f}") for i, s in shares.items()}
        found.append(row | {"range": results.spread(ranges, "{:.2f}")})
    return found


def beaten(document: Document) -> list[Row]:
    """Return settings in which more seeds of the plain net train than of a residual twin."""
    axes = document["about"]["axes"]
    found = []
    for norm, which, depth, lr in itertools.product(
        axes["norm"], axes["init"], axes["depth"], axes["lr"]
    ):
        plain = maps.cell(document, Panel(norm, which, "plain").net(depth), lr)
        for arm in axes["arm"]:
            twin = maps.cell(document, Panel(norm, which, arm).net(depth), lr)
            if plain and twin and plain.trained > twin.trained:
                found.append({"norm": norm, "init": which, "depth": depth, "lr": lr, "arm": arm,
                              "plain": f"{plain.trained}/{plain.runs}",
                              "twin": f"{twin.trained}/{twin.runs}",
                              "twins diverged": twin.diverged})  # fmt: skip
    return found


def healed(document: Document) -> list[Row]:
    """Return log10 of first / last gradient of deep nets at step 0 and at the later records.

    Medians over rates and seeds of the runs that trained, and of those that ended untrained.
    """
    about = document["about"]
    records = [step for step in about["fixed"]["records"] if step > 0]
    found = []
    for panel in maps.panels(document):
        for truth in (True, False):
            gained: list[list[float | None]] = []
            for depth, lr in itertools.product(about["axes"]["depth"], about["axes"]["lr"]):
                if depth < DEEP:
                    continue
                for run in maps.seeds(document, panel.net(depth), lr):
                    if run is None or run[DIVERGED_AT] is not None:
                        continue
                    if maps.has_trained(run, document) == truth:
                        gained.append([start(document, panel.net(depth)), *run[DECADES]])
            if not gained:
                continue
            row = panel._asdict() | {"trained": truth, "runs": len(gained), "step 0": None}
            for i, step in enumerate([0, *records]):
                known = [g[i] for g in gained if g[i] is not None]
                sign = 1 if i == 0 else -1
                row[f"step {step}"] = sign * m if (m := _median(known)) is not None else None
            found.append(row)
    return found


STATEMENTS = {
    "rates": rates, "predicts": predicts, "level": level, "init": init, "beaten": beaten,
    "healed": healed,
}  # fmt: skip


def text(document: Document, names: Sequence[str]) -> str:
    """Return tables of the statements, each under the first line of what it is."""
    found = []
    for name in names:
        about = (STATEMENTS[name].__doc__ or "").strip()
        rows: Sequence[Mapping[str, Any]] = STATEMENTS[name](document)
        found.append(f"{name}: {about}\n\n{results.table(rows) if rows else 'none'}\n")
    return "\n".join(found)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.atlas.statements",
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("summary", help="summary.json of an atlas")
    parser.add_argument("names", nargs="*", default=[], help="which; default: all")
    given = parser.parse_args(arguments)
    wrong = [name for name in given.names if name not in STATEMENTS]
    if wrong:
        parser.error(f"there is no {wrong[0]!r}; there are {', '.join(STATEMENTS)}")
    try:
        print(text(maps.load(given.summary), given.names or list(STATEMENTS)))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

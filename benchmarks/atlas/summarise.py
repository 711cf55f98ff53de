"""A store of the atlas's runs → one document: what came of each run, and how each net starts.

    about   command, seeds, axes, recipe, code, versions, seconds; "threshold" of a trained run
    nets    depth/norm/init/arm → an untrained net, and its runs
              layer      index of each layer, or block, on the main path; the last is the head
              x, dx      RMS of the signal, ‖∂L/∂x‖ at its input: m, median of the seeds, lo and hi
              decades    log10 of last / first ‖∂L/∂x‖, for each seed
              growth     log10 of last / first RMS of x, for each seed
              theory     text, lines (depth, label), and x and dx up to the layer before the head
              runs       lr → a run for each seed, or null where it is missing:
                         [train error, train loss, test error, diverged at, decades at the
                         records after step 0, errors and losses at `about.points` steps]

Profiles are in hundredths of log10; null stands for 0, "x" for what is not finite. Of a run that
diverged the error and the losses are null, and the curve ends before that step.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minires import results, sweep
from minires.store import Store, Stored

from . import grid, theory

POINTS = 12  # of a curve
Series = list[int | str | None]


def summarise(plan: sweep.Plan, store: Store, command: str) -> dict[str, Any]:
    """Return the document of a plan's runs that are in a store; ValueError if there are none."""
    found, code = _runs(plan, store)
    if not found:
        raise ValueError(f"{store.path} has no run of the atlas: {command} computes them")
    seeds, rates = list(plan.seeds), _values(plan, "lr")
    nets = {}
    for setting in _settings(plan):
        name = grid.net_name(setting)
        if name in nets:
            continue
        own = {
            lr: [found.get(_identity(setting | {"lr": lr}, seed)) for seed in seeds] for lr in rates
        }
        if any(run for runs in own.values() for run in runs):
            nets[name] = _net(own)
    return {"about": _about(plan, found, code, command), "nets": nets}


def _values(plan: sweep.Plan, name: str) -> list[Any]:
    return list(plan.values[name].items)  # type: ignore[union-attr]


def _settings(plan: sweep.Plan) -> list[dict[str, Any]]:
    return [dict(job.setting) for job in plan.jobs().jobs if job.seed == plan.seeds[0]]


def _identity(setting: Mapping[str, Any], seed: int) -> tuple[Any, ...]:
    return grid.net_name(setting), float(setting["lr"]), seed


def _runs(plan: sweep.Plan, store: Store) -> tuple[dict[tuple[Any, ...], Stored], str]:
    """Return the plan's runs by net, rate and seed, and the code that computed most of them."""
    where = {name: _values(plan, name) for name in plan.values}
    runs = store.runs(task=plan.task, seed=list(plan.seeds), **where)
    runs = [run for run in runs if (run.setting["skip"], run.setting["branch_scale"]) in _ARMS]
    if not runs:
        return {}, ""
    code = Counter(run.code for run in runs).most_common(1)[0][0]
    return {_identity(run.setting, run.seed): run for run in runs if run.code == code}, code


_ARMS = set(grid.ARMS.values())


def _fixed(plan: sweep.Plan) -> dict[str, Any]:
    """Return what is the same in all runs."""
    values = {name: _values(plan, name) for name in plan.values}
    return {name: found[0] for name, found in values.items() if len(found) == 1}


def _about(
    plan: sweep.Plan, found: Mapping[Any, Stored], code: str, command: str
) -> dict[str, Any]:
    known = results.versions()
    iterations = _fixed(plan)["iterations"]
    axes = {n: _values(plan, n) for n in ("depth", "norm", "init", "lr")}
    arms = dict.fromkeys(grid.arm(s) for s in _settings(plan))
    edges = np.linspace(0, iterations, POINTS + 1)[1:]
    return {
        "command": command,
        "runs": len(found),
        "missing": len(plan.jobs().jobs) - len(found),
        "seeds": list(plan.seeds),
        "axes": axes | {"arm": list(arms)},
        "names": {
            "arm": {arm: grid.ARM_NAMES[arm] for arm in arms},
            "norm": {norm: grid.NORM_NAMES[norm] for norm in axes["norm"]},
            "init": {init: grid.INIT_NAMES[init] for init in axes["init"]},
        },
        "arms": {arm: list(grid.ARMS[arm]) for arm in arms},
        "fixed": _fixed(plan),
        "threshold": grid.TRAINED,
        "points": [round(float(edge)) for edge in edges],
        "code": code,
        "versions": {n: known[n] for n in ("minires", "python", "numpy", "numba", "machine")},
        "seconds": round(sum(run.seconds for run in found.values())),
        "unit": "profiles: hundredths of log10",
    }


# ---- one net ------------------------------------------------------------------------------------
def _net(own: Mapping[float, Sequence[Stored | None]]) -> dict[str, Any]:
    """Return a net: its start, which is the same at every rate, and its runs."""
    rows = {run.key: run.rows() for runs in own.values() for run in runs if run}
    first: dict[int, Stored] = {}
    for runs in own.values():
        for i, run in enumerate(runs):
            if run and _records(rows[run.key]).get(0):
                first.setdefault(i, run)
    if not first:
        raise ValueError("records: the atlas shows how nets start; they need a record at step 0")
    starts = [_records(rows[run.key])[0] for _, run in sorted(first.items())]
    setting = next(iter(first.values())).setting
    profile = _start(starts)
    return profile | {
        "theory": _theory(setting, starts, profile["dx"]["m"]),
        "runs": {f"{lr:g}": [_run(r, rows) for r in runs] for lr, runs in own.items()},
    }


def _theory(
    setting: dict[str, Any], starts: Sequence[Sequence[Mapping[str, Any]]], dx: Series
) -> dict[str, Any]:
    """Return what theory says, with lines that begin at the first measured x and the last dx."""
    net, batch = theory.of(setting), setting["batch_size"]
    body = net.depth if net.skip == "none" else net.depth // 2
    first = len(starts[0]) - 1 - body  # 1 if there is a stem, else 0
    begin = float(np.median([start[first]["forward_rms"] for start in starts]))
    signal, gradient = theory.layers(net, batch, begin, first == 1)
    end = dx[-2]
    return theory.said(net, batch) | {
        "x": [_hundredths(v) for v in signal],
        "dx": [_hundredths(v * 10 ** (end / 100)) for v in gradient]
        if isinstance(end, int)
        else [],
    }


def _records(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    """Return the rows of the main path by step."""
    found = defaultdict(list)
    for row in rows:
        if row["stream"]:
            found[int(row["step"])].append(row)
    return found


def _start(starts: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    return {
        "layer": [int(row["index"]) for row in starts[0]],
        "x": _band([[row["forward_rms"] for row in start] for start in starts]),
        "dx": _band([[row["dx_norm"] for row in start] for start in starts]),
        "decades": [_decades(start, "dx_norm") for start in starts],
        "growth": [_decades(start, "forward_rms") for start in starts],
    }


def _band(seeds: Sequence[Sequence[float]]) -> dict[str, Series]:
    logs = [[_hundredths(v) for v in values] for values in seeds]
    found: dict[str, Series] = {"m": [], "lo": [], "hi": []}
    for values in zip(*logs, strict=True):
        odd = [v for v in values if not isinstance(v, int)]
        three = [odd[0]] * 3 if odd else [round(np.median(values)), min(values), max(values)]
        for name, value in zip(("m", "lo", "hi"), three, strict=True):
            found[name].append(value)
    return found


def _hundredths(value: float | None) -> int | str | None:
    if value is None or not math.isfinite(value):
        return "x"
    return round(100 * math.log10(value)) if value > 0 else None


def _decades(rows: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """Return log10 of last / first, None where one is 0 or not finite."""
    first, last = (rows[i][column] for i in (0, -1))
    if not (first and last and math.isfinite(first) and math.isfinite(last)):
        return None
    return _rounded(math.log10(last / first), 3)


def _run(run: Stored | None, rows: Mapping[str, Any]) -> list[Any] | None:
    if run is None:
        return None
    s, records = run.summary, _records(rows[run.key])
    at = [
        _decades(records[step], "dx_norm") if records.get(step) else None
        for step in run.setting["records"]
        if step > 0
    ]
    errors, losses = _curve(run)
    return [
        _rounded(s["train_error"], 4),
        _significant(s["train_loss"]),
        _rounded(s["test_error"], 4),
        s["diverged_at"],
        at,
        errors,
        losses,
    ]


def _curve(run: Stored) -> tuple[list[float | None], list[float | None]]:
    """Return mean error and loss over each of POINTS equal parts, as far as the run came."""
    edges = np.linspace(0, run.setting["iterations"], POINTS + 1)
    parts: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for row in run.curve():
        part = min(int(np.searchsorted(edges, row["step"], "left")) - 1, POINTS - 1)
        parts[part].append((row["error"], row["loss"]))
    means = [np.mean(parts[part], axis=0) for part in sorted(parts)]
    return [_rounded(m[0], 4) for m in means], [_significant(m[1]) for m in means]


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _significant(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.3g}")


def text(document: Mapping[str, Any]) -> str:
    """Return the document as JSON, a net a line."""
    about = json.dumps(document["about"], ensure_ascii=False, indent=1)
    nets = ",\n".join(
        f'"{name}":{json.dumps(net, ensure_ascii=False, separators=(",", ":"), allow_nan=False)}'
        for name, net in document["nets"].items()
    )
    return f'{{"about":{about},\n"nets":{{\n{nets}}}}}\n'

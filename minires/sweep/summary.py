"""What a sweep will take, and what came out of it, in words and a short table."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import results
from ..store import Job, Store, Stored
from .engine import Report
from .estimates import Estimates
from .watch import count, told, took

FAILED = "failed.json"  # of the store: what the last sweep could not compute
SHOWN = ("train_error", "test_error", "decades_lost", "dx_factor", "train_loss", "loss")
MOST_VALUES = 8  # of a field that the table shows; ranges have more
MOST_FAILURES = 5


def forecast(jobs: Sequence[Job], path: results.StrPath, workers: int) -> str:
    """Return how many runs are there and how long the others take; computes a few if it must."""
    store = Store(path)
    missing = [job for job in jobs if store.find(job) is None]
    lines = [f"{len(jobs) - len(missing)} runs are in {path}, {len(missing)} are missing"]
    if bad := [job for job in missing if job.key() in store.damaged]:
        lines[0] += f" ({len(bad)} of them damaged: they are computed again)"
    if missing:
        estimates = Estimates(store, missing)
        how = f"{estimates.measured} runs of the store"
        if not estimates.known:
            estimates.probe(missing)
            how = f"{estimates.measured} runs that were computed for it, and not kept"
        seconds = [estimates.seconds(job) for job in missing]
        wall = max(sum(seconds) / workers, max(seconds))
        lines.append(
            f"they take about {took(wall)} on {count(workers, 'core')}: "
            f"{took(sum(seconds))} of computing, the longest {took(max(seconds))} "
            f"(by {how})"
        )
    return "\n".join([*lines, "nothing was written (--dry-run)"])


def text(report: Report, jobs: Sequence[Job], path: results.StrPath) -> str:
    """Return what a sweep came to: counts, a short table, failures, where to look next."""
    there = f" ({report.damaged} others were damaged)" if report.damaged else ""
    parts = [f"{report.found} were there{there}", f"{report.computed} computed"]
    parts += [f"{len(report.failed)} failed"] if report.failed else []
    parts += [f"{report.left} not begun"] if report.left else []
    said = f"{len(jobs)} runs: {', '.join(parts)} in {took(report.wall)}"
    if report.workers and report.computed and report.wall:
        share = report.busy / report.workers / report.wall
        said += f"; {count(report.workers, 'worker')} busy {100 * share:.0f} %"
    lines = [said]
    if rows := table(jobs, Store(path)):
        lines += ["", results.table(rows), "(medians over all other fields and seeds)"]
    if report.failed:
        lines += ["", *(f"failed: {told(item)}" for item in report.failed[:MOST_FAILURES])]
        lines.append(f"all {len(report.failed)}, with details: {Path(path) / FAILED}")
    place = shlex.quote(str(path))
    return "\n".join([*lines, "", f"look next: minires runs list --store {place}"])


def keep_failures(report: Report, path: results.StrPath) -> None:
    """Write what failed, with tracebacks, into the store; remove what an earlier sweep wrote."""
    file = Path(path) / FAILED
    if not report.failed:
        file.unlink(missing_ok=True)
        return
    failed = [
        {
            "key": item.key, "task": item.job.task, "setting": item.job.setting,
            "seed": item.job.seed, "error": item.error, "details": item.details,
        }
        for item in report.failed
    ]  # fmt: skip
    results.write_text(file, results.to_json({"failed": failed}))


def table(jobs: Sequence[Job], store: Store) -> list[dict[str, Any]]:
    """Return a row for each value of each field that varies: runs, diverged, median results."""
    runs = [run for run in map(store.find, jobs) if run is not None]
    if not runs:
        return []
    summaries = [run.summary for run in runs]
    shown = [name for name in SHOWN if any(s.get(name) is not None for s in summaries)][:2]
    rows = []
    for name in runs[0].setting:
        values = {repr(run.setting.get(name)): run.setting.get(name) for run in runs}
        if not 2 <= len(values) <= MOST_VALUES:
            continue
        for value in sorted(values.values(), key=_order):
            of = [run for run in runs if run.setting.get(name) == value]
            rows.append(_row(name, value, of, shown))
    return rows or [_row("all", "", runs, shown)]


def _row(name: str, value: Any, runs: Sequence[Stored], shown: Sequence[str]) -> dict[str, Any]:
    row = {"field": name, "value": str(value), "runs": len(runs)}
    summaries = [run.summary for run in runs]
    row["diverged"] = sum(bool(s.get("diverged")) for s in summaries)
    for column in shown:
        known = [s[column] for s in summaries if _is_number(s.get(column))]
        row[column] = float(np.median(known)) if known else None
    return row


def _order(value: Any) -> tuple[bool, float, str]:
    return (not _is_number(value), value if _is_number(value) else 0.0, str(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

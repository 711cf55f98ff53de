"""What a reproduction leaves: rows, run.json, a figure, and a table beside the paper's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ... import plotting, results
from .base import HOLDS, NOT_COMPARABLE, Arm, Form, Found, Reproduction, Result, Verdict


def judge(reproduction: Reproduction, form: Form, found: Found) -> Verdict:
    """Return the verdict; "not comparable" while arms lack a finished run."""
    if found.missing:
        done = len(found.arms) - len(found.missing)
        text = f"{done} of {len(found.arms)} arms were run; missing: {', '.join(found.missing)}"
        return Verdict(NOT_COMPARABLE, f"Unfinished: {text}", f"unfinished: {text}")
    return reproduction.verdict(form, found)


def spread(values: Sequence[float]) -> str:
    """Return "mean (lowest–highest)", the mean alone of one value, "-" of none."""
    if not values:
        return "-"
    mean = results.number(float(np.mean(values)))
    if len(values) == 1:
        return mean
    return f"{mean} ({results.number(min(values))}–{results.number(max(values))})"


def lines(found: Found) -> list[dict[str, Any]]:
    """Return a line per arm: the paper's number, ours, and how many runs diverged."""
    table = []
    for arm in found.arms:
        runs = found.by_arm[arm.name]
        lost = sum(r.value is None for r in runs)
        ours = spread(found.values(arm.name))
        if lost:
            ours = f"{ours} [{lost} of {len(runs)} diverged]".removeprefix("- ")
        table.append({"": arm.name, "paper": arm.paper_text, "ours": ours if runs else "not run"})
    return table


def said(verdict: Verdict) -> str:
    """Return the verdict as a sentence that begins with its kind, but for one that holds."""
    whole = verdict.text if verdict.kind == HOLDS else f"{verdict.kind}: {verdict.text}"
    return whole[:1].upper() + whole[1:]


def text(reproduction: Reproduction, form: Form, found: Found, verdict: Verdict) -> str:
    """Return what is printed: the table and the verdict."""
    return "\n".join(
        [
            reproduction.title,
            "",
            results.table(lines(found)),
            "",
            f"paper  {reproduction.theirs}. {reproduction.paper}.",
            f"ours   {reproduction.measure(form)}; mean (lowest–highest) over {found.seeds} "
            f"seed{'s' * (found.seeds != 1)}.",
            *([f"data   {found.note}"] if found.note else []),
            "",
            said(verdict),
        ]
    )


def rows(found: Found) -> list[dict[str, Any]]:
    """Return a flat row per run."""
    papers = {arm.name: arm.paper for arm in found.arms}
    return [
        {
            "arm": r.arm,
            "seed": r.seed,
            "paper": papers[r.arm],
            "value": r.value,
            "diverged_at": r.diverged_at,
            "seconds": r.seconds,
            **r.numbers,
        }
        for r in found.results
    ]


def points(found: Found) -> list[dict[str, Any]]:
    """Return what was measured along the runs, a flat row per point."""
    return [{"arm": r.arm, "seed": r.seed, **point} for r in found.results for point in r.points]


def document(
    reproduction: Reproduction, form: Form, found: Found, verdict: Verdict, command: str
) -> dict[str, Any]:
    """Return what run.json holds."""
    return {
        "versions": results.versions(),
        "command": command,
        "title": reproduction.title,
        "paper": reproduction.paper,
        "theirs": reproduction.theirs,
        "ours": reproduction.measure(form),
        "form": "full" if form.full else "short",
        "data": form.data,
        "data_note": found.note,
        "unit": reproduction.unit,
        "seeds": sorted({r.seed for r in found.results}),
        "minutes": round(sum(r.seconds for r in found.results) / 60, 2),
        "verdict": verdict.kind,
        "verdict_text": said(verdict),
        "arms": [
            {
                "arm": arm.name,
                "paper": arm.paper,
                "paper_text": arm.paper_text,
                "settings": dict(arm.settings),
                "values": found.values(arm.name),
                "mean": float(np.mean(found.values(arm.name))) if found.values(arm.name) else None,
                "diverged": sum(r.value is None for r in found.by_arm[arm.name]),
            }
            for arm in found.arms
        ],
    }


def save(
    reproduction: Reproduction,
    form: Form,
    arms: Sequence[Arm],
    found_results: Sequence[Result],
    command: str,
) -> tuple[list[Path], Verdict, Found]:
    """Write the figure, rows.csv, points.csv and run.json; return paths, verdict and results."""
    found = Found(arms, found_results, form.note)
    verdict = judge(reproduction, form, found)
    figure = reproduction.draw(form, found, verdict)
    rendered = plotting.render(figure, reproduction.title)
    files: dict[str, str | bytes] = {f"{reproduction.name}{k}": v for k, v in rendered.items()}
    files["rows.csv"] = results.to_csv(rows(found))
    if measured := points(found):
        files["points.csv"] = results.to_csv(measured)
    paths = results.save_run(
        form.out,
        f"reproduce {reproduction.name}",
        files,
        document(reproduction, form, found, verdict, command),
    )
    return paths, verdict, found

"""The parts of the program: each adds a section to the report."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..timing import Row
from . import checks, facts, limits, profile, pytorch, sanitizer, step, tiles, training
from .place import Place
from .plan import Plan
from .report import Report, Section


@dataclass(frozen=True)
class Session:
    """What each part gets; the report goes to `folder` after each of them."""

    place: Place
    plan: Plan
    report: Report
    folder: Path


def check(session: Session) -> None:
    """Check kernels, updates and training; failures are problems of the report."""
    place, plan = session.place, session.plan
    section, found = Section("Checks"), checks.Found()
    try:
        checks.check_kernels(place, plan, found)
        checks.check_updates(place, plan, found)
        training.check_training(place, plan, found)
    finally:
        ran, failed = sum(row["cases"] for row in found.rows), len(found.failures)
        section.lines.append(f"{ran} cases ran, {failed} results were not as expected.")
        section.add("Worst error over what is allowed; left out: not supported", found.rows)
        section.add("Failures", found.failures)
        session.report.add(section)
        if failed:
            session.report.problems.append(f"checks: {failed} failures")


def sanitize(session: Session) -> None:
    """Run compute-sanitizer's tools, if it is installed and there is a GPU to watch."""
    section = Section("Sanitizer")
    program = sanitizer.find()
    if not session.place.measured:
        section.lines.append("Not run: compute-sanitizer watches a GPU, and this is a rehearsal.")
    elif program is None:
        section.lines.append(
            "Not run: compute-sanitizer is neither on PATH nor in $CUDA_HOME/bin; the CUDA toolkit "
            "has it."
        )
    else:
        rows = sanitizer.run_all(program)
        section.add("compute-sanitizer over `--only checks --quick`", rows)
        for row in rows:
            if row["failed"]:
                session.report.problems.append(f"sanitizer: {row['tool']}: {row['result']}")
                section.lines.append(f"{row['tool']}:\n\n```\n{row.get('log', '')}\n```")
    session.report.add(section)


def time_steps(session: Session) -> None:
    """Time training steps beside PyTorch's."""
    place, plan = session.place, session.plan
    device = "cuda" if place.measured else "cpu"
    torch, missing = pytorch.available(device)
    section = Section("Training step", [missing] if missing else [])
    rows: list[Row] = []
    try:
        with contextlib.nullcontext() if torch is None else pytorch.settings(torch):
            if torch is not None:
                rounding(session, torch, device, section)
            for label, net in plan.nets:
                rows += step.measure(place, plan, label, net, torch)
                after = facts.clocks(place)
                section.lines += [f"Right after {label}: {after}."] if after else []
    finally:
        section.add(f"Milliseconds per step, turns of {plan.turn} steps", rows)
        if place.measured:
            section.add("Our time over PyTorch's: below 1 we are faster", step.ratios(rows))
            section.add("Goals for ResNet-20", step.goals(rows))
        session.report.add(section)
        for row in rows:
            if "problem" in row:
                session.report.problems.append(f"step: {row['contender']}: {row['problem']}")


def rounding(session: Session, torch: Any, device: str, section: Section) -> None:
    """Note how PyTorch's convolutions round, and whether turning TF32 off does what it says."""
    single, tensor = (pytorch.rounding(torch, device, tf32) for tf32 in (False, True))
    section.lines.append(
        f"Relative error of PyTorch's convolution: {single:.1e} with TF32 off, {tensor:.1e} with "
        "TF32 on."
    )
    if single > pytorch.BETWEEN:
        session.report.problems.append("step: PyTorch rounds to TF32 although it is off")


def profile_kernels(session: Session) -> None:
    """Time every launch of a step, in float32 and with TF32; draw the figure of float32."""
    place, plan, report = session.place, session.plan, session.report
    label, net = plan.nets[0]
    limit = limits.measure(place, plan)
    section = Section("Kernels of a step", [f"Limits measured here: {limit}."])
    for tf32 in (False, True) if place.tensor_cores else (False,):
        found = profile.measure(place, plan, limit, tf32)
        what = f"{label} at batch {net.batch}, {found.precision}"
        section.add(
            f"{what}, eager; {found.whole_s * 1e3:.3f} ms in all",
            found.rows,
            profile.COLUMNS,
        )
        if not found.ahead:
            section.lines.append(
                f"{found.precision}: Python could not queue all work before the GPU began it, so "
                "some times include waiting."
            )
        if not tf32:
            claim = "" if place.measured else ": not a GPU's times"
            report.figure = profile.draw(found, f"{place.title}{claim}: {what}")
    report.add(section)


def time_tiles(session: Session) -> None:
    """Time every tile of convolution in every layer."""
    section = Section("Tiles of convolution")
    rows = tiles.measure(session.place, session.plan)
    section.add("The fastest first, layer by layer", rows, tiles.COLUMNS)
    session.report.add(section)


PARTS: dict[str, Callable[[Session], None]] = {
    "checks": check,
    "sanitizer": sanitize,
    "step": time_steps,
    "kernels": profile_kernels,
    "tiles": time_tiles,
}


def run(session: Session) -> None:
    """Run the parts of the report; an error ends its part, a lost GPU all that follow."""
    report = session.report
    print(report.heading(), flush=True)
    for name in report.parts:
        try:
            run_part(session, name)
        except checks.Lost as lost:
            report.problems.append(f"{name}: {lost}")
            break
        finally:
            report.ended.append(name)
            report.write(session.folder)


def run_part(session: Session, name: str) -> None:
    """Run a part; an error that it ends with is a problem of the report. Raises checks.Lost."""
    try:
        PARTS[name](session)
    except checks.Lost:
        raise
    except Exception as error:
        traceback.print_exc()
        told = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        session.report.problems.append(f"{name} ended early: {told}")
        checks.require_alive(session.place, name)

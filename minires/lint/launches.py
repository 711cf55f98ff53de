"""Within the worker: the launches of a kernel, each run in several thread orders in check mode."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import minires_emulator as emulator
from minires_emulator.errors import TIME_LIMIT

from . import arguments
from .launch import Drawn, Launch, draw, parse, random

DRAWS = 5  # launches from a text with ranges: the low ends, the high ends, and random numbers
UNASKED_SHARED = 48 << 10  # bytes of dynamic shared memory that every kernel may have

Emit = Callable[..., None]


@dataclass(frozen=True)
class Planned:
    """A launch whose numbers are drawn, and the generator that its arrays will be drawn from."""

    launch: Launch
    drawn: Drawn
    rng: np.random.Generator


def plan(job: dict[str, Any], texts: Sequence[Launch], names: Sequence[str]) -> list[Planned]:
    """Draw the numbers of all launches: so what is wrong with one shows before any runs."""
    planned = []
    for k, launch in enumerate(texts):
        for i in range(DRAWS if random(launch) else 1):
            rng = np.random.default_rng([job["seed"], k, i])
            planned.append(Planned(launch, draw(launch, names, rng, i if i < 2 else None), rng))
    return planned


def guesses(
    job: dict[str, Any], kernel: str, parameters: Sequence[Any], names: Sequence[str]
) -> list[Planned]:
    """Guess a launch for each of the sizes asked for."""
    planned = []
    for k, n in enumerate(job["sizes"]):
        launch = arguments.guess(kernel, parameters, names, str(n), job["block"])
        rng = np.random.default_rng([job["seed"], k])
        planned.append(Planned(launch, draw(launch, names, rng), rng))
    return planned


def run(
    job: dict[str, Any],
    task: dict[str, Any],
    function: Any,
    parameters: Sequence[emulator.Parameter],
    emit: Emit,
) -> None:
    """Run the launches of one kernel; ValueError or TypeError if one does not fit the kernel."""
    fitting = [names for names in task["names"] if len(names) == len(parameters)]
    names = fitting[0] if fitting else [f"argument{k}" for k in range(len(parameters))]
    if task["launches"]:
        planned = plan(job, [parse(text, origin) for text, origin in task["launches"]], names)
    else:
        planned = guesses(job, task["kernel"], parameters, names)
        line = arguments.guess(task["kernel"], parameters, names, "1..2000", job["block"])
        emit(guessed=arguments.line(line))
    for one in planned:
        # The emulator stops a run itself, by processor time; this is for runs that it cannot stop.
        seconds = 4 * job["limit"] * job["orders"] + job["grace"]
        emit(step=f"{task['kernel']} {one.drawn}", limit=seconds)
        try:
            made = arguments.make(one.drawn, parameters, names, one.rng)
            if not _run_orders(
                job, function, one, made, dict(zip(names, parameters, strict=True)), emit
            ):
                return
        except (ValueError, TypeError) as error:
            raise ValueError(f"{one.launch.origin}: {one.launch.kernel}: {error}") from None


def _run_orders(
    job: dict[str, Any],
    function: Any,
    one: Planned,
    made: tuple[Any, ...],
    parameters: dict[str, Any],
    emit: Emit,
) -> bool:
    """Run one launch in every thread order, and compare what it leaves behind.

    Returns False if it came to its time limit: other launches would, too.
    """
    if one.drawn.shared > UNASKED_SHARED:
        emit(shared=one.drawn.shared, launch=str(one.drawn))
    results: list[dict[str, bytes]] = []
    names, float_atomics = list(parameters), False
    for k in range(job["orders"]):
        order = k if k < 2 else k + job["seed"]
        passed = tuple(np.copy(a) if isinstance(a, np.ndarray) and a.ndim else a for a in made)
        with emulator.check(order=order, profile=job["profile"] and k == 0) as session:
            try:
                function(one.drawn.grid, one.drawn.block, passed, shared_mem=one.drawn.shared)
            except emulator.KernelFault as fault:
                for told in _told(fault.reports, names):
                    emit(fault=told, launch=str(one.drawn), order=order)
                if any(report.kind == TIME_LIMIT for report in fault.reports):
                    return False
                continue
            finally:
                emit(ran=str(one.drawn), origin=one.launch.origin, order=order)
        if session.float_atomics:
            float_atomics = True
            emit(float_atomics=session.float_atomics, launch=str(one.drawn))
        if job["profile"] and k == 0:
            emit(profile=[_row(row) for row in session.profile], launch=str(one.drawn))
        written = {
            name: a
            for (name, p), a in zip(parameters.items(), passed, strict=True)
            if p.is_pointer and not p.is_const and a is not None
        }
        for name, count in arguments.non_finite(written).items():
            size = written[name].size
            emit(not_finite=name, count=count, size=size, launch=str(one.drawn))
        results.append({name: a.tobytes() for name, a in written.items()})
    if not float_atomics:  # which say it already
        for name in _differing(results):
            emit(differs=name, launch=str(one.drawn))
    return True


def _differing(results: list[dict[str, bytes]]) -> Iterator[str]:
    """Yield the arrays that are not the same after every order."""
    for name in results[0] if results else ():
        if any(result[name] != results[0][name] for result in results[1:]):
            yield name


def _told(reports: Sequence[emulator.Report], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the reports of a run as JSON takes them, one for each kind and pair of lines.

    Arguments are called by their names.
    """
    found: dict[Any, dict[str, Any]] = {}
    for report in reports:
        text = re.sub(r"\bargument (\d+)", lambda m: names[int(m[1])], str(report))
        title, *rest = text.splitlines()
        accesses = [a for a in (report.first, report.second) if a is not None]
        places = [(a.file, a.line) for a in accesses if a.file]
        told = {
            "kind": report.kind,
            "title": title.removeprefix(f"{report.kernel}: "),
            "text": [line.strip() for line in rest],
            "places": places,
        }
        found.setdefault((report.kind, *sorted(set(places))), told)
    return list(found.values())


def _row(row: Any) -> dict[str, Any]:
    return {k: getattr(row, k) for k in ("file", "line", "space", "access", "requests", "ratio")}

"""Within the worker: the launches of a kernel, each run in several thread orders in check mode."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import minires_emulator as emulator
from minires_emulator.errors import TIME_LIMIT

from .findings import ERROR, WARNING, Finding, merge
from .launch import RESERVED, Launch, check, guess, parse
from .values import ARRAY, Number, argument, number, sizes, whole

DRAWS = 5  # launches from a text with ranges: the low ends, the high ends, and random numbers
ORDERS = ("ascending", "descending", "shuffled")  # of threads
UNASKED_SHARED = 48 << 10  # bytes of dynamic shared memory that every kernel may have
MOST_THREADS = 2**22  # of a launch: the emulator runs them one by one
NO_END = "look for a loop without end, or raise --limit"


@dataclass(frozen=True)
class Drawn:
    """One launch with its numbers, and the generator that its arrays will be drawn from."""

    launch: Launch
    grid: tuple[int, ...]
    block: tuple[int, ...]
    shared: int
    numbers: Mapping[str, Number]
    rng: np.random.Generator

    def __str__(self) -> str:
        parts = [f"{k}={','.join(map(str, getattr(self, k)))}" for k in ("grid", "block")]
        parts += [f"shared={self.shared}"] if self.shared else []
        return " ".join(parts + [f"{k}={v:.6g}" for k, v in self.numbers.items()])


def draw(launch: Launch, rng: np.random.Generator, end: int | None = None) -> Drawn:
    """Draw the numbers of one launch; `end` 0 or 1 takes the low or high ends of all ranges.

    Raises ValueError for text that makes no sense or a grid beyond all reason.
    """
    numbers: dict[str, Number] = {}
    for key, text in launch.values.items():
        if key not in RESERVED and text != "null" and not ARRAY.fullmatch(text):
            numbers[key] = number(text, numbers, rng, end)
    grid, block = (sizes(launch.values[key], numbers) for key in ("grid", "block"))
    shared = whole(launch.values.get("shared", "0"), numbers)
    threads = int(np.prod([*grid, *block], dtype=object))
    if threads > MOST_THREADS:
        raise ValueError(
            f"{threads} threads are more than the emulator should run ({MOST_THREADS}); write a "
            "smaller grid"
        )
    return Drawn(launch, grid, block, shared, numbers, rng)


def run(
    job: dict[str, Any],
    task: dict[str, Any],
    function: Any,
    parameters: Sequence[emulator.Parameter],
    teller: Any,
) -> None:
    """Run the launches of one kernel; ValueError or TypeError if one does not fit the kernel."""
    fitting = [names for names in task["names"] if len(names) == len(parameters)]
    names = fitting[0] if fitting else [f"argument{k}" for k in range(len(parameters))]
    known = dict(zip(names, parameters, strict=True))
    if task["launches"]:
        launches = [parse(text, origin) for text, origin in task["launches"]]
    else:
        launches = [guess(task["kernel"], known, str(n)) for n in job["sizes"]]
        line = guess(task["kernel"], known, "1..2000").text
        teller.tell(kernel=task["kernel"], guessed=f"// check: launch {line}")
    planned = []  # before any runs, so that what is wrong with one shows first
    for k, launch in enumerate(launches):
        check(launch, names)
        for i in range(DRAWS if launch.random else 1):
            rng = np.random.default_rng([k, i])
            with _said_where(launch):
                planned.append(draw(launch, rng, i if i < 2 else None))
    for drawn in planned:
        # The emulator stops a run itself, by processor time; this is for runs that it cannot stop.
        teller.step(f"{task['kernel']} {drawn}", 4 * job["limit"] * len(ORDERS) + job["grace"])
        with _said_where(drawn.launch):
            if not _Runs(job, task["kernel"], function, drawn, known, teller).run():
                return


class _said_where:
    """Put the place of a launch before what is wrong with it."""

    def __init__(self, launch: Launch) -> None:
        self.where = f"{launch.origin}: {launch.kernel}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, (ValueError, TypeError)):
            raise ValueError(f"{self.where}: {error}") from None


class _Runs:
    """The runs of one launch, in every thread order."""

    def __init__(
        self,
        job: dict[str, Any],
        kernel: str,
        function: Any,
        drawn: Drawn,
        parameters: Mapping[str, Any],
        teller: Any,
    ) -> None:
        self.kernel, self.function, self.drawn, self.teller = kernel, function, drawn, teller
        self.parameters, self.limit, self.profile = parameters, job["limit"], job["profile"]
        self.here = [(job["file"], job["lines"][kernel])]

    def run(self) -> bool:
        """Run it, and compare what it leaves behind.

        Returns False if it came to its time limit: other launches would, too.
        """
        drawn, parameters = self.drawn, self.parameters
        if drawn.shared > UNASKED_SHARED:
            what = f"{drawn.shared} bytes of dynamic shared memory; above 48 KiB a kernel must ask "
            detail = "CuPy: kernel.max_dynamic_shared_size_bytes = …; at most 64 KiB on sm_75"
            self.warn("shared memory", what + "for it", [detail])
        values = drawn.launch.values
        made = [
            argument(name, values[name], p, drawn.numbers, drawn.rng)
            for name, p in parameters.items()
        ]
        results: list[dict[str, bytes]] = []
        float_atomics = 0
        for order in range(len(ORDERS)):
            passed = tuple(np.copy(a) if isinstance(a, np.ndarray) else a for a in made)
            with emulator.check(order=order, profile=self.profile and order == 0) as session:
                try:
                    self.function(drawn.grid, drawn.block, passed, shared_mem=drawn.shared)
                except emulator.KernelFault as fault:
                    if not self.faults(fault, order):
                        return False
                    continue
                finally:
                    origin = drawn.launch.origin
                    self.teller.tell(kernel=self.kernel, ran=str(drawn), origin=origin)
            float_atomics += session.float_atomics
            if self.profile and order == 0:
                rows = [asdict(row) for row in session.profile]
                self.teller.tell(kernel=self.kernel, profile=rows, launch=str(drawn))
            pairs = zip(parameters.items(), passed, strict=True)
            written = {
                name: a
                for (name, p), a in pairs
                if p.is_pointer and not p.is_const and a is not None
            }
            self.not_finite(written)
            results.append({name: a.tobytes() for name, a in written.items()})
        if float_atomics:
            text = "float atomics: the order of the sums differs from run to run"
            self.warn("float atomics", text)
            return True  # which says already that orders differ
        for name in results[0] if results else ():
            if any(result[name] != results[0][name] for result in results[1:]):
                self.warn("order", f"{name} depends on the order in which threads run")
        return True

    def warn(self, kind: str, text: str, details: Sequence[str] = ()) -> None:
        self.teller.find(
            WARNING, kind, text, self.kernel, self.here, list(details), launch=str(self.drawn)
        )

    def not_finite(self, written: Mapping[str, Any]) -> None:
        for name, a in written.items():
            if a.dtype.kind == "f" and (count := int(np.count_nonzero(~np.isfinite(a)))):
                text = f"{name} has values that are not finite after the kernel"
                self.warn("not finite", text, [f"{count} of {a.size}"])

    def faults(self, fault: emulator.KernelFault, order: int) -> bool:
        """Tell the reports of a run; return False if it came to its time limit."""
        launch, names = f"{self.drawn}, {ORDERS[order]} threads", list(self.parameters)
        found: list[Finding] = []
        for report in fault.reports:
            text = re.sub(r"\bargument (\d+)", lambda m: names[int(m[1])], str(report))
            title, *details = (line.strip() for line in text.splitlines())
            title = title.removeprefix(f"{report.kernel}: ")
            if report.kind == TIME_LIMIT:
                title += f" of {self.limit:g} s; {NO_END}; no other launch was tried"
            accesses = [a for a in (report.first, report.second) if a is not None]
            places = [(a.file, a.line) for a in accesses if a.file]
            told = Finding(ERROR, report.kind, title, self.kernel, places, details, launch=launch)
            merge(found, told)
        for told in found:  # a run counts once
            self.teller.tell(finding=asdict(told) | {"count": 1})
        return all(report.kind != TIME_LIMIT for report in fault.reports)

"""A result as text for people, or as JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from .findings import ERROR, UNCHECKED, WARNING, Finding
from .lint import KernelResult, Result


def to_json(result: Result) -> str:
    """Return the result as a document, with

    file, clean, nvrtc, compiler, seed
    kernels   [{name, line, resources: {arch: {registers, shared, …}}, launches: [{launch, origin,
              order}], guessed, profile: [{file, line, space, access, requests, ratio}], profiled}]
    findings  [{severity, kind, message, kernel, file, line, places, details, archs, launch, order,
              count}]
    """
    document = {
        "file": str(result.source.path),
        "clean": result.clean,
        "nvrtc": result.nvrtc,
        "compiler": result.compiler,
        "seed": result.settings.seed,
        "kernels": [vars(kernel) for kernel in result.kernels.values()],
        "findings": [finding.json() for finding in result.findings],
    }
    return json.dumps(document, indent=1)


def text(result: Result) -> str:
    """Return tables of what was compiled and run, then the findings with their source lines."""
    parts = []
    if result.nvrtc is not None:
        parts.append("\n".join(_resources(result)))
    if any(kernel.launches for kernel in result.kernels.values()):
        parts.append("\n".join(_runs(result)))
    guessed = [kernel for kernel in result.kernels.values() if kernel.guessed and kernel.launches]
    if guessed:
        parts.append("\n".join(_guesses(guessed)))
    parts += ["\n".join(_profile(k)) for k in result.kernels.values() if k.profile]
    lines = _Lines(result)
    parts += ["\n".join(_finding(f, lines)) for f in result.findings]
    parts.append(_summary(result))
    return "\n\n".join(parts)


def _resources(result: Result) -> Iterator[str]:
    yield f"compiled by NVRTC {result.nvrtc}: registers by architecture, bytes shared and spilled"
    rows = [["kernel", *result.archs, "shared", "spilled"]]
    for kernel in result.kernels.values():
        found = kernel.resources
        registers = [str(found[a]["registers"]) if a in found else "-" for a in result.archs]
        shared = max((r["shared"] or 0 for r in found.values()), default=None)
        spills = [(r["spill_stores"] or 0) + (r["spill_loads"] or 0) for r in found.values()]
        ends = ["-" if n is None else str(n) for n in (shared, max(spills, default=None))]
        rows.append([kernel.name, *registers, *ends])
    yield from _table(rows)


def _runs(result: Result) -> Iterator[str]:
    yield f"checked in the emulator, thread orders: {_orders(result)}"
    rows = [["kernel", "launches", "runs", "", "found"]]
    for kernel in result.kernels.values():
        origins = dict.fromkeys(run["origin"] for run in kernel.launches)
        launches = {(run["origin"], run["launch"]) for run in kernel.launches}
        told = ", ".join("guessed" if o.startswith("guess") else o for o in origins)
        counts = [str(len(launches)), str(len(kernel.launches))]
        rows.append([kernel.name, *counts, told, _found(result, kernel)])
    yield from _table(rows)


def _found(result: Result, kernel: KernelResult) -> str:
    """Return in a few words what the runs of a kernel found."""
    own = [f for f in result.findings if f.kernel == kernel.name and f.kind != "compile"]
    errors = dict.fromkeys(f.kind for f in own if f.severity == ERROR)
    if errors or not kernel.launches:
        return ", ".join(errors) or "did not run"
    return "not all ran" if any(f.severity == UNCHECKED for f in own) else "clean"


def _orders(result: Result) -> str:
    n = result.settings.orders
    shuffled = [f"{n - 2} shuffled (seed {result.settings.seed})"] if n > 2 else []
    return ", ".join([*map(_order, range(min(n, 2))), *shuffled])


def _order(order: int) -> str:
    return ("ascending", "descending")[order] if order < 2 else "shuffled"


def _guesses(kernels: Sequence[KernelResult]) -> Iterator[str]:
    yield "The launches of these kernels are guesses, and a report may come from the guess alone."
    yield "To say how a kernel is launched, correct its line and write it into the file:"
    for kernel in kernels:
        yield f"  {kernel.guessed}"


def _profile(kernel: KernelResult) -> Iterator[str]:
    yield f"{kernel.name}: memory accesses of one block, {kernel.profiled}"
    rows = [["line", "memory", "", "requests", "transactions/ideal"]]
    for row in kernel.profile:
        where, ratio = f"{row['file']}:{row['line']}", f"{row['ratio']:.2f}"
        rows.append([where, row["space"], row["access"], str(row["requests"]), ratio])
    yield from _table(rows, left=3)


def _table(rows: list[list[str]], left: int = 1) -> Iterator[str]:
    """Align numbers to the right, all else and the first `left` columns to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if i >= left and re.match(r"\d|-$", cell) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()


class _Lines:
    """Lines of the file, and of files beside it that it includes."""

    def __init__(self, result: Result) -> None:
        self._folder = result.source.path.parent
        self._known = {result.source.file: result.source.text.splitlines()}

    def quote(self, file: str, line: int) -> str | None:
        if file not in self._known:
            path = self._folder / file
            readable = Path(file).suffix in (".cu", ".cuh", ".h", ".hpp") and path.is_file()
            text = path.read_text("utf-8", "replace") if readable else ""
            self._known[file] = text.splitlines()
        lines = self._known[file]
        return lines[line - 1] if 0 < line <= len(lines) else None


def _finding(finding: Finding, lines: _Lines) -> Iterator[str]:
    where = "{}:{}: ".format(*finding.places[0]) if finding.places else ""
    about = f"{finding.kernel}: " if finding.kernel else ""
    for_archs = f" [{', '.join(finding.archs)}]" if finding.archs else ""
    yield f"{where}{finding.severity}: {about}{finding.message}{for_archs}"
    for file, line in dict.fromkeys(finding.places):
        quoted = lines.quote(file, line)
        if quoted is not None and quoted.strip():
            yield f"{line:>5} | {quoted.rstrip()[:200]}"
    for detail in finding.details:
        yield f"    {detail}"
    if finding.launch is not None:
        order = "" if finding.order is None else f", {_order(finding.order)} threads"
        times = f"; seen in {finding.count} runs" if finding.count > 1 else ""
        yield f"    launch {finding.launch}{order}{times}"


def _summary(result: Result) -> str:
    counts = dict.fromkeys((ERROR, WARNING, UNCHECKED), 0)
    for finding in result.findings:
        counts[finding.severity] += 1
    kernels = len(result.kernels)
    told = [
        f"{counts[ERROR]} error{'s' * (counts[ERROR] != 1)}",
        f"{counts[WARNING]} warning{'s' * (counts[WARNING] != 1)}",
    ]
    if counts[UNCHECKED]:
        told.append(f"{counts[UNCHECKED]} not checked")
    return f"{result.source.file}: {kernels} kernel{'s' * (kernels != 1)}, {', '.join(told)}"

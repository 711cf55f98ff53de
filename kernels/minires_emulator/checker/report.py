"""A result as text for people, or as JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from .check import KernelResult, Result
from .findings import ERROR, UNCHECKED, WARNING, Finding
from .runs import ORDERS


def to_json(result: Result) -> str:
    """Return the result as a document, with

    file, clean, nvrtc, compiler
    kernels   [{name, line, resources: {arch: {registers, shared, …}}, launches: [{launch, origin}],
              guessed, profile: [{file, line, space, access, requests, ratio}], profiled}]
    findings  [{severity, kind, message, kernel, places, details, archs, launch, count}]
    """
    document = {
        "file": str(result.source.path),
        "clean": result.clean,
        "nvrtc": result.nvrtc,
        "compiler": result.compiler,
        "kernels": [asdict(kernel) for kernel in result.kernels.values()],
        "findings": [asdict(finding) for finding in result.findings],
    }
    return json.dumps(document, indent=1)


def text(result: Result) -> str:
    """Return tables of what was compiled and run, then the findings with their source lines."""
    kernels = list(result.kernels.values())
    parts = []
    if result.nvrtc is not None:
        parts.append("\n".join(_resources(result)))
    if any(kernel.launches for kernel in kernels):
        parts.append("\n".join(_runs(result)))
    guessed = [kernel for kernel in kernels if kernel.guessed and kernel.launches]
    if guessed:
        told = "\n".join(f"  {kernel.guessed}" for kernel in guessed)
        parts.append(
            "The launches of these kernels are guesses, and a report may come from the guess "
            "alone.\nTo say how a kernel is launched, correct its line and write it into the file:"
            f"\n{told}"
        )
    parts += ["\n".join(_profile(kernel)) for kernel in kernels if kernel.profile]
    files = {result.source.file: result.source.text.splitlines()}
    parts += ["\n".join(_finding(f, files, result.source.path.parent)) for f in result.findings]
    parts.append(_summary(result))
    return "\n\n".join(parts)


def _resources(result: Result) -> Iterator[str]:
    yield f"compiled by NVRTC {result.nvrtc}: registers by architecture, bytes shared and spilled"
    kernels = result.kernels.values()
    archs = list(dict.fromkeys(a for f in result.findings for a in f.archs))
    archs = sorted({*archs, *(a for k in kernels for a in k.resources)}, key=_number)
    rows = [["kernel", *archs, "shared", "spilled"]]
    for kernel in kernels:
        found = kernel.resources
        registers = [str(found[a]["registers"]) if a in found else "-" for a in archs]
        shared = max((r["shared"] or 0 for r in found.values()), default=None)
        spills = [(r["spill_stores"] or 0) + (r["spill_loads"] or 0) for r in found.values()]
        ends = ["-" if n is None else str(n) for n in (shared, max(spills, default=None))]
        rows.append([kernel.name, *registers, *ends])
    yield from _table(rows)


def _number(arch: str) -> tuple[int, str]:
    return int(re.sub(r"\D", "", arch)), arch


def _runs(result: Result) -> Iterator[str]:
    yield f"checked in the emulator, thread orders: {', '.join(ORDERS)}"
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


def _finding(finding: Finding, files: dict[str, list[str]], folder: Path) -> Iterator[str]:
    where = "{}:{}: ".format(*finding.places[0]) if finding.places else ""
    about = f"{finding.kernel}: " if finding.kernel else ""
    for_archs = f" [{', '.join(finding.archs)}]" if finding.archs else ""
    yield f"{where}{finding.severity}: {about}{finding.message}{for_archs}"
    for file, line in dict.fromkeys(finding.places):
        quoted = _line(files, folder, file, line)
        if quoted.strip():
            yield f"{line:>5} | {quoted.rstrip()[:200]}"
    for detail in finding.details:
        yield f"    {detail}"
    if finding.launch is not None:
        times = f"; seen in {finding.count} runs" if finding.count > 1 else ""
        yield f"    launch {finding.launch}{times}"


def _line(files: dict[str, list[str]], folder: Path, file: str, line: int) -> str:
    """Return a line of the file, or of one beside it that it includes; "" if there is none."""
    if file not in files:
        path = folder / file
        readable = path.suffix in (".cu", ".cuh", ".h", ".hpp") and path.is_file()
        files[file] = path.read_text("utf-8", "replace").splitlines() if readable else []
    lines = files[file]
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _summary(result: Result) -> str:
    counts = dict.fromkeys((ERROR, WARNING, UNCHECKED), 0)
    for finding in result.findings:
        counts[finding.severity] += 1
    told = [(len(result.kernels), "kernel"), (counts[ERROR], "error"), (counts[WARNING], "warning")]
    words = [f"{n} {word}{'s' * (n != 1)}" for n, word in told]
    if counts[UNCHECKED]:
        words.append(f"{counts[UNCHECKED]} not checked")
    return f"{result.source.file}: {', '.join(words)}"

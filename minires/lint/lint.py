"""Lint one file: start the tasks, and turn their events into a result."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import jobs
from .findings import ERROR, UNCHECKED, WARNING, Finding, from_log, merge
from .selection import Target, select
from .source import Source, read

_NO_END = "look for a loop without end, or raise --limit"
DEFAULT_ARCHS = ("sm_75", "sm_80", "sm_90", "sm_120")
MOST_DIAGNOSTICS = 100  # of a compilation; NVRTC itself stops at 100 errors


@dataclass(frozen=True)
class Settings:
    """What the command line asks for; see `minires cuda-lint --help`."""

    names: Sequence[str] = ()
    launches: Sequence[str] = ()
    archs: Sequence[str] | None = None  # None: those of DEFAULT_ARCHS that NVRTC knows
    sizes: Sequence[int] = (1, 31, 32, 33, 1000)
    block: int = 128
    orders: int = 3
    seed: int = 0
    limit: float = 20.0  # seconds of one run
    grace: float = 20.0  # seconds more, for a process that does not end by itself
    options: Sequence[str] = ()
    profile: bool = False
    compile: bool = True
    check: bool = True


@dataclass
class KernelResult:
    """What was seen of one kernel: resources by architecture, its runs, and its profile."""

    name: str
    line: int
    resources: dict[str, dict[str, int | None]] = field(default_factory=dict)
    launches: list[dict[str, Any]] = field(default_factory=list)
    guessed: str | None = None  # the launch that was guessed, as a comment for the file
    profile: list[dict[str, Any]] = field(default_factory=list)
    profiled: str | None = None  # the launch of the profile


@dataclass
class Result:
    """What was seen of a file. `nvrtc` and `compiler` are None if that part did not run."""

    source: Source
    settings: Settings
    kernels: dict[str, KernelResult]
    archs: list[str] = field(default_factory=list)
    nvrtc: str | None = None
    compiler: str | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all was looked at, and nothing but warnings was found."""
        return all(f.severity == WARNING for f in self.findings)


def lint(path: Path, settings: Settings) -> Result:
    """Compile and run the kernels of a file; raises ValueError or OSError for a wrong call."""
    source = read(path)
    targets, templates = select(source, settings.names, settings.launches)
    kernels = {t.expression: KernelResult(t.expression, t.kernel.line) for t in targets}
    result = Result(source, settings, kernels)
    for template in templates:
        text = (
            "a template of which nobody names an instantiation; write for example "
            f"`// lint: kernel {template.name}<float>` above it"
        )
        place = [(source.file, template.line)]
        result.findings.append(Finding(UNCHECKED, "template", text, template.name, place))
    tasks = _tasks(targets, settings)
    with contextlib.closing(jobs.run(_job(source, kernels, settings), tasks)) as events:
        for number, event in events:
            task = tasks[number]
            if "lost" in event:
                _lost(result, task, event)
            elif task["part"] == "compile":
                _compiled(result, task["arch"], event)
            else:
                _checked(result, task, event)
    return result


def _job(source: Source, kernels: dict[str, KernelResult], settings: Settings) -> dict[str, Any]:
    folder = str(source.path.resolve().parent)
    return {
        "text": source.text,
        "file": source.file,
        "kernels": list(kernels),
        "folder": folder,
        "options": [f"-I{folder}", *settings.options],
        "sizes": list(settings.sizes),
        "block": settings.block,
        "orders": settings.orders,
        "seed": settings.seed,
        "limit": settings.limit,
        "grace": settings.grace,
        "profile": settings.profile,
    }


def _tasks(targets: Sequence[Target], settings: Settings) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    if settings.compile and targets:
        tasks += [{"part": "compile", "arch": a} for a in settings.archs or DEFAULT_ARCHS]
    if settings.check:
        tasks += [
            {
                "part": "check",
                "kernel": t.expression,
                "names": t.kernel.parameters,
                "launches": t.launches,
            }
            for t in targets
        ]
    return tasks


def _lost(result: Result, task: dict[str, Any], event: dict[str, Any]) -> None:
    """The worker did not survive a task, or was stopped."""
    kernel = task.get("kernel")
    ran = event["step"].startswith(f"{kernel} ")
    text = f"{event['step']}: {event['lost']}"
    if event["why"] == "time":
        text += f"; {_NO_END}" if ran else ""
    elif ran:
        text += "; the other launches of this kernel did not run"
    details = event.get("told", "").splitlines()[-3:]
    kind = "time limit" if event["why"] == "time" else "crash"
    severity = ERROR if ran else UNCHECKED
    merge(result.findings, Finding(severity, kind, text, kernel, details=details))


def _compiled(result: Result, arch: str, event: dict[str, Any]) -> None:
    """Take in an event of the compilation for one architecture."""
    if "missing" in event:
        text = f"not compiled for any GPU: {event['text']}, or leave it out with --no-compile"
        if "nvrtc" not in (f.kind for f in result.findings):
            result.findings.append(Finding(UNCHECKED, "nvrtc", text))
    elif "unknown_arch" in event:
        if result.settings.archs is not None:
            raise ValueError(
                f"--arch: NVRTC {event['version']} compiles for {','.join(event['known'])}; got "
                f"{event['unknown_arch']}"
            )
    else:
        result.nvrtc = event["version"]
        if arch not in result.archs:
            result.archs.append(arch)
        told = from_log(event["log"], arch, event.get("failed", False))
        for finding in itertools.islice(told, MOST_DIAGNOSTICS):
            merge(result.findings, finding)
        for name, resources in event.get("resources", {}).items():
            result.kernels[name].resources[arch] = resources
            spilled = resources["spill_stores"] + resources["spill_loads"]
            if spilled:
                text = f"{spilled} bytes of registers spill to memory, which is slow"
                place = [(result.source.file, result.kernels[name].line)]
                merge(result.findings, Finding(WARNING, "spill", text, name, place, archs=[arch]))


def _checked(result: Result, task: dict[str, Any], event: dict[str, Any]) -> None:
    """Take in an event of the runs of one kernel."""
    name = task["kernel"]
    kernel = result.kernels[name]
    here = [(result.source.file, kernel.line)]
    launch = event.get("launch")
    finding = None
    match event:
        case {"compiler": version}:
            result.compiler = version
        case {"missing": _, "text": text}:
            text = f"not run: {text}, or leave it out with --no-check"
            if "emulator" not in (f.kind for f in result.findings):
                result.findings.append(Finding(UNCHECKED, "emulator", text))
        case {"refused": text}:
            message = "the emulator cannot compile this kernel, so that it did not run"
            lines = text.splitlines()
            details = [line for line in lines if "error" in line][:4] or lines[:4]
            finding = Finding(UNCHECKED, "emulator", message, name, here, details)
        case {"guessed": text}:
            kernel.guessed = text
        case {"wrong": text}:
            if task["launches"]:
                raise ValueError(text)
            text += "; write a comment `// lint: launch …`"
            finding = Finding(UNCHECKED, "launch", f"cannot be launched: {text}", name, here)
        case {"ran": text, "origin": origin, "order": order}:
            kernel.launches.append({"launch": text, "origin": origin, "order": order})
        case {"fault": fault}:
            places = [(file, line) for file, line in fault["places"]]
            title, details = fault["title"], fault["text"]
            if fault["kind"] == "time limit":
                title += f" of {result.settings.limit:g} s; {_NO_END}; no other launch was tried"
            finding = Finding(ERROR, fault["kind"], title, name, places, details, [], launch)
            finding.order = event["order"]
        case {"float_atomics": _}:
            text = "float atomics: the order of the sums differs from run to run"
            finding = Finding(WARNING, "float atomics", text, name, here, launch=launch)
        case {"shared": size}:
            text = f"{size} bytes of dynamic shared memory; above 48 KiB a kernel must ask for it"
            detail = ["CuPy: kernel.max_dynamic_shared_size_bytes = …; at most 64 KiB on sm_75"]
            finding = Finding(WARNING, "shared memory", text, name, here, detail, launch=launch)
        case {"not_finite": array, "count": count, "size": size}:
            text = f"{array} has values that are not finite after the kernel"
            detail = [f"{count} of {size}"]
            finding = Finding(WARNING, "not finite", text, name, here, detail, launch=launch)
        case {"differs": array}:
            text = f"{array} depends on the order in which threads run"
            finding = Finding(WARNING, "order", text, name, here, launch=launch)
        case {"profile": rows}:
            if _requests(rows) > _requests(kernel.profile):
                kernel.profile, kernel.profiled = rows, launch
    if finding is not None:
        merge(result.findings, finding)


def _requests(rows: list[dict[str, Any]]) -> int:
    return sum(row["requests"] for row in rows)

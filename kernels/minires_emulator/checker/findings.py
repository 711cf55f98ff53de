"""Findings: what a compiler's log, a report of the emulator or a lost process amounts to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ERROR, WARNING, UNCHECKED = "error", "warning", "not checked"


@dataclass
class Finding:
    """One thing to tell: how bad, about which kernel, what, where, and how often it was seen.

    `severity` is ERROR, WARNING, or UNCHECKED for what could not be looked at. `places` are
    (file, line), `archs` the architectures it was compiled for, `launch` the first that showed it.
    """

    severity: str
    kind: str
    message: str
    kernel: str | None = None
    places: list[tuple[str, int]] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    archs: list[str] = field(default_factory=list)
    launch: str | None = None
    count: int = 1

    @property
    def key(self) -> tuple[Any, ...]:
        """What findings have in common that tell the same of several launches or architectures.

        Of a fault that is its kind and its lines: bytes and threads differ from launch to launch.
        """
        text = self.message if self.launch is None else ""
        return self.severity, self.kind, self.kernel, text, *sorted(set(self.places))


def merge(findings: list[Finding], new: Finding) -> None:
    """Add a finding, or count it if its like is there."""
    for known in findings:
        if known.key == new.key:
            known.count += 1
            known.archs += [arch for arch in new.archs if arch not in known.archs]
            return
    findings.append(new)


_LINE = re.compile(r"(\S.*?)\((\d+)\): (catastrophic error|error|warning)(?: #\S+)?: (.*)")
_ASSEMBLER = re.compile(r"ptxas\b.*\b(?:error|fatal)\b.*")


def from_log(log: str, arch: str, failed: bool) -> Iterator[Finding]:
    """Yield what NVRTC's log tells; something in any case if the compilation failed."""
    errors = False
    lines = log.splitlines()
    for i, line in enumerate(lines):
        found = _LINE.match(line)
        if found is None:
            if _ASSEMBLER.match(line):
                errors = True
                yield Finding(ERROR, "compile", " ".join(line.split()), archs=[arch])
            continue
        file, number, severity, text = found.groups()
        if text.startswith("Error in parsing name expression"):
            continue  # said before, in other words
        errors |= severity != "warning"
        kind = WARNING if severity == "warning" else ERROR
        if file == "__nv_name_map":  # NVRTC's own text, which holds the names of the kernels
            name = lines[i + 1].partition("nv_mangled_name ")[2] if i + 1 < len(lines) else ""
            yield Finding(kind, "compile", text, name or None, archs=[arch])
        else:
            yield Finding(kind, "compile", text, places=[(file, int(number))], archs=[arch])
    if failed and not errors:
        yield Finding(ERROR, "compile", "\n".join(lines[:8]), archs=[arch])
    elif failed and "NVRTC alone has no headers" in lines[-1]:
        yield Finding(ERROR, "compile", lines[-1], archs=[arch])

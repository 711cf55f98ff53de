"""What is read from a kernel's assembly, and changed in it, between the compiler and the assembler.

- Each shared array gets bytes after it that belong to no array, so that check mode sees an access
  beyond its end.
- Which shared arrays a kernel uses, with all the functions it calls.
"""

from __future__ import annotations

import re
from collections.abc import Collection

GAP = 256  # bytes after each shared array

_LABEL = re.compile(r"([A-Za-z_$][\w.$]*):")
_ALIAS = re.compile(r"\s*\.set\s+([\w.$]+)\s*,\s*([\w.$]+)")
_REFERS = re.compile(r"\t(?!\.)|\t\.(?:quad|xword|8byte)\b")  # instructions, tables of addresses
_SYMBOL = re.compile(r"[A-Za-z_.$][\w.$]*")
_SECTION = re.compile(r"\s*\.(?:section|text|data|bss|pushsection|popsection)\b")


def separate_arrays(assembly: str) -> str:
    """Put GAP unused bytes after each thread-local array; `.size` still tells its own."""
    lines, thread_local = [], False
    for line in assembly.splitlines():
        lines.append(line)
        if _SECTION.match(line):
            thread_local = ".tbss" in line
        elif thread_local and line.lstrip().startswith(".zero"):
            lines.append(f"\t.zero\t{GAP}")
    return "\n".join(lines) + "\n"


def shared_arrays(assembly: str, arrays: Collection[str], kernels: int) -> list[list[str]]:
    """Return for each kernel those of the `arrays` that it, or what it calls, refers to."""
    refers: dict[str, set[str]] = {}
    label, debug = "", False
    for line in assembly.splitlines():
        if _SECTION.match(line):
            debug = ".debug" in line
        elif debug:
            continue
        elif found := _LABEL.match(line):
            label = found[1]
        elif alias := _ALIAS.match(line):  # the compiler found two functions to be the same
            refers.setdefault(alias[1], set()).add(alias[2])
        elif _REFERS.match(line):
            refers.setdefault(label, set()).update(_SYMBOL.findall(line))
    return [sorted(_reached(refers, f"emulator_call_{i}") & set(arrays)) for i in range(kernels)]


def _reached(refers: dict[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += refers.get(name, ())
    return reached

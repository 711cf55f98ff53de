"""What is read from a kernel's assembly, and changed in it, between the compiler and the assembler.

- Each shared array gets bytes after it that belong to no array, so that check mode sees an access
  beyond its end.
- Which shared arrays a kernel uses, with all the functions it calls.
- For coverage: which source lines each basic block holds. A block begins with a call of a hook; the
  addresses those calls return to are put in a section of their own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

GAP = 256  # bytes after each shared array
BLOCKS = "emulator_blocks"  # the section: for each block, a 32-bit distance from there to the site

Block = tuple[str, list[tuple[str, int]]]  # the function's name; files and lines

_LABEL = re.compile(r"([A-Za-z_$][\w.$]*):")
_ALIAS = re.compile(r"\s*\.set\s+([\w.$]+)\s*,\s*([\w.$]+)")
_INSTRUCTION = re.compile(r"\t(?!\.)")
_REFERS = re.compile(r"\t(?!\.)|\t\.(?:quad|xword|8byte)\b")  # instructions, tables of addresses
_SYMBOL = re.compile(r"[A-Za-z_.$][\w.$]*")
_SECTION = re.compile(r"\s*\.(?:section|text|data|bss|pushsection|popsection)\b")
_FILE = re.compile(r'\s*\.file\s+(\d+)\s+"((?:[^"\\]|\\.)*)"(?:\s+"((?:[^"\\]|\\.)*)")?')
_LOC = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)")
_HOOK = re.compile(r"\s*(?:call|callq|bl)\s+__sanitizer_cov_trace_pc\b")


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


def mark_blocks(assembly: str, folder: str) -> tuple[str, list[Block]]:
    """Return the assembly with the table of its basic blocks, and the source lines of each.

    `folder` is where it was compiled, which some compilers put before the names of files.
    """
    lines: list[str] = []
    blocks: list[Block] = []
    files: dict[str, str] = {}
    function = ""
    places: list[tuple[str, int]] = []  # of the instructions to come
    for line in assembly.splitlines():
        lines.append(line)
        if label := _LABEL.match(line):
            function, places = label[1], []
        elif file := _FILE.match(line):
            name = "/".join(part for part in file.groups()[1:] if part)
            files[file[1]] = name.removeprefix(folder)
        elif loc := _LOC.match(line):
            places.append((files.get(loc[1], ""), int(loc[2])))
        elif _HOOK.match(line):
            lines += _table_entry(len(blocks))
            blocks.append((function, places))
            places = []
        elif _INSTRUCTION.match(line) and blocks and blocks[-1][0] == function:
            blocks[-1][1].extend(places)
            places = []
    return "\n".join(lines) + "\n", [(name, sorted(set(own))) for name, own in blocks]


def _table_entry(number: int) -> Iterator[str]:
    yield f".Lemulator_block_{number}:"
    yield f'\t.pushsection\t{BLOCKS},"a"'
    yield f"\t.long\t.Lemulator_block_{number} - ."
    yield "\t.popsection"

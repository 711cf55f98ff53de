"""The C++ compiler: which one, with which options, and its errors."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import CompileError, NoCompiler

FAST, CHECK = "fast", "check"
MODES = (FAST, CHECK)
COMPILE_LIMIT_S = 600


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: how it is called, its version, and which family's options it takes."""

    command: tuple[str, ...]
    version: str
    is_clang: bool

    def run(self, arguments: Sequence[str], folder: Path, text: str | None = None) -> str:
        """Run it in `folder`, on `text` from its input; return what it wrote to its output.

        Raises CompileError with its messages.
        """
        try:
            done = subprocess.run(
                [*self.command, *arguments],
                cwd=folder,
                input=text,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="surrogateescape",
                timeout=COMPILE_LIMIT_S,
                env={**os.environ, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired as error:
            raise CompileError(f"{self.command[0]} took more than {COMPILE_LIMIT_S} s") from error
        if done.returncode != 0:
            said = done.stderr.encode(errors="replace").decode().strip()
            raise CompileError(said or f"{self.command[0]} failed without a word")
        return done.stdout


def compiler() -> str:
    """Return the version line of the C++ compiler in use; raises NoCompiler if there is none."""
    found = find()
    return f"{found.version} [{shlex.join(found.command)}]"


def find() -> Compiler:
    """Return the compiler: `MINIRES_CXX`, or g++, clang++, c++, or the one in package ziglang."""
    if sys.platform != "linux":
        raise NoCompiler(f"the CUDA emulator runs on Linux only, this is {sys.platform}")
    if given := os.environ.get("MINIRES_CXX"):
        try:
            command = tuple(shlex.split(given))
        except ValueError as error:
            raise NoCompiler(f"MINIRES_CXX={given}: {error}") from None
        if not command or shutil.which(command[0]) is None:
            raise NoCompiler(f"MINIRES_CXX={given}: there is no such program")
        return _examine(command)
    for name in ("g++", "clang++", "c++"):
        if path := shutil.which(name):
            return _examine((path,))
    if importlib.util.find_spec("ziglang") is not None:
        return _examine((sys.executable, "-m", "ziglang", "c++"))
    raise NoCompiler(
        "the CUDA emulator needs a C++ compiler, and found no g++, clang++ or c++ on the PATH and "
        "no Python package ziglang; install one of them (`apt install g++`, or `pip install "
        "ziglang`), or name another in MINIRES_CXX"
    )


@functools.lru_cache
def _examine(command: tuple[str, ...]) -> Compiler:
    try:
        done = subprocess.run(
            [*command, "--version"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoCompiler(f"{shlex.join(command)} --version failed: {error}") from error
    if done.returncode != 0 or not done.stdout.strip():
        raise NoCompiler(f"{shlex.join(command)} --version failed: {done.stderr.strip()}")
    version = done.stdout.strip().splitlines()[0]
    return Compiler(command, version, "clang" in done.stdout.lower())


def flags(which: Compiler, mode: str) -> list[str]:
    """Return the options that a kernel is compiled with in `mode`."""
    common = [
        "-fPIC",
        "-g1",
        "-gdwarf-4",  # the line tables that lines.py reads
        "-w",
        "-nostdinc",  # NVRTC has no headers of its own either
        "-nostdinc++",
        "-fno-exceptions",
        "-fno-rtti",
        "-fno-threadsafe-statics",
        "-fno-finite-loops",  # an endless loop stays one
        "-fno-optimize-sibling-calls",  # the return address tells the line
        "-fno-math-errno",
        "-ffp-contract=fast",  # as nvcc: products and sums may be fused
        "-fvisibility=hidden",
        "-ftls-model=local-dynamic",  # shared memory is this module's own
        "-fstack-clash-protection",  # a large frame cannot jump over the guard of the stack
        "-U_FORTIFY_SOURCE",  # its longjmp refuses to change stacks
    ]
    if mode == FAST:
        special = ["-O2", "-march=native"]
    else:
        special = ["-O1", "-fsanitize=thread"]
    if which.is_clang:
        special += ["-fno-caret-diagnostics", "-fno-sanitize=undefined"]
    else:
        special += ["-fno-diagnostics-show-caret", "-fno-gnu-unique"]
    if mode == CHECK and which.is_clang:  # by -Xclang: zig's driver would drop them
        checks = "array-bounds,alignment,integer-divide-by-zero"
        special += ["-Xclang", f"-fsanitize={checks}", "-Xclang", f"-fsanitize-recover={checks}"]
    elif mode == CHECK:
        special += ["-fsanitize=bounds,alignment,integer-divide-by-zero"]
        special += ["-fno-tree-sra"]  # a float4 is loaded at once, not as four floats
    return common + special


# Options of nvcc and NVRTC that mean nothing here, some of them with a value.
_IGNORED = re.compile(
    r"--?(use_fast_math|device-as-default-execution-space|default-device|restrict|G|lineinfo|"
    r"generate-line-info|device-debug|extra-device-vectorization|"
    r"(gpu-architecture|arch|maxrregcount|fmad|ftz|prec-div|prec-sqrt|ptxas-options|Xptxas|"
    r"diag-suppress)=.+)"
)

# The headers of this package need C++17.
_STANDARDS = {"c++11": "c++17", "c++14": "c++17"} | {f"c++{n}": f"c++{n}" for n in (17, 20, 23)}


def translate(options: Sequence[str]) -> list[str]:
    """Return the user's options as the C++ compiler takes them; ValueError for an unknown one.

    -D, -U, -I and the language standard (C++17 if none is given) are passed on; options that only
    steer NVIDIA's compiler are dropped.
    """
    if isinstance(options, str):
        raise TypeError(f"options must be a tuple of strings, got the string {options!r}")
    passed, standard = [], "c++17"
    for option in options:
        if not isinstance(option, str) or "\0" in option:
            raise TypeError(f"options must be strings without null bytes, got {option!r}")
        name, _, value = option.partition("=")
        if name in ("--std", "-std") and value in _STANDARDS:
            standard = _STANDARDS[value]
        elif option[:2] in ("-D", "-U") and len(option) > 2:
            passed.append(option)
        elif option[:2] == "-I" and len(option) > 2:
            passed.append("-I" + os.path.abspath(option[2:]))  # the compiler runs elsewhere
        elif not _IGNORED.fullmatch(option):
            raise ValueError(
                f"unknown option {option!r}: the emulator takes -DNAME[=VALUE], -UNAME, -IFOLDER, "
                "--std=c++17 and CuPy's usual ones"
            )
    return [f"-std={standard}", *passed]

"""A learner's CUDA kernel, run by the emulator in a process of its own, which may crash or hang.

    ran = run(source, "scale", [Launch((8,), (128,), {"x": x, "y": y, "n": np.int32(1000)})])[0]
    ran.report      # "" or what is wrong: a race, an access out of bounds, an endless loop, ...
    ran.arrays["y"] # what the kernel left there; as it was, if there is a report

The process checks every load and store; see `minires_emulator.check`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..tensor import Array
from . import guard
from .plain import pack, unpack
from .process import import_path

FILE = "yours.cu"  # how reports call the source
LIMIT_S = 2.0  # of a launch, in seconds of processor time
START_S = 60.0  # for starting and compiling
_MAIN = "import sys; sys.path[:] = {!r}; from minires.lessons.kernels import main; main()"


class CannotCompile(Exception):
    """The compiler rejects the source, or there is no such kernel in it."""


class NoEmulator(Exception):
    """Kernels cannot be run here: no C++ compiler, or no other processes, as in a browser."""


@dataclass(frozen=True)
class Launch:
    """A launch of a kernel: grid, block, and the arguments by name, in the kernel's order.

    `order` 0 runs threads and blocks in ascending order, 1 in descending, from 2 in a random one.
    """

    grid: tuple[int, ...]
    block: tuple[int, ...]
    arguments: Mapping[str, Any]
    order: int = 0


@dataclass(frozen=True)
class Row:
    """What a line of the source costs: see `minires_emulator.ProfileRow`."""

    file: str
    line: int
    space: str
    access: str
    requests: int
    ratio: float


@dataclass(frozen=True)
class Ran:
    """What came of a launch: the report ("" if there is none), the arrays, the profile."""

    report: str
    arrays: dict[str, Array] = field(default_factory=dict)
    profile: tuple[Row, ...] = ()


def run(source: str, name: str, launches: Sequence[Launch]) -> list[Ran]:
    """Compile and run a kernel; the first launch with a report is the last that runs.

    Raises CannotCompile with the compiler's words, and NoEmulator.
    """
    told = [
        {
            "grid": list(launch.grid),
            "block": list(launch.block),
            "order": launch.order,
            "arguments": [
                [k, pack(np.asarray(v), _no_function)] for k, v in launch.arguments.items()
            ],
        }
        for launch in launches
    ]
    source = source.lstrip("\n")  # of a text that begins below its quotes
    answer = _ask({"source": source, "name": name, "launches": told}, len(launches))
    if "missing" in answer:
        raise NoEmulator(answer["missing"])
    if "wrong" in answer:
        raise CannotCompile(answer["wrong"])
    return [
        Ran(
            ran["report"],
            {k: unpack(v, _no_call) for k, v in ran["arrays"]},
            tuple(Row(**row) for row in ran["profile"]),
        )
        for ran in answer["runs"]
    ]


def _ask(job: dict[str, Any], count: int) -> dict[str, Any]:
    """Return what the other process answers, or a report of how it ended."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _MAIN.format(import_path())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise NoEmulator(f"no other process can be started here ({error})") from None
    late = START_S + 3 * LIMIT_S * count
    with process:  # which closes its pipes
        try:
            told, _ = process.communicate(json.dumps(job).encode(), timeout=late)
        except subprocess.TimeoutExpired:
            return {"runs": [_ended(f"it has not ended after {late:g} s")]}
        finally:  # with all that it may have started
            with contextlib.suppress(OSError):
                if hasattr(os, "killpg"):
                    os.killpg(process.pid, signal.SIGKILL)
            process.kill()
    try:
        answer = json.loads(told)
        if type(answer) is dict:
            return answer
    except ValueError:
        pass
    code = process.returncode
    known = code < 0 and -code in set(signal.Signals)
    how = f"signal {signal.Signals(-code).name}" if known else f"exit code {code}"
    return {"runs": [_ended(f"its process ended by {how}")]}


def _ended(how: str) -> dict[str, Any]:
    return {"report": f"the kernel did not come to its end: {how}", "arrays": [], "profile": []}


def _no_function(f: Callable[..., Any]) -> str:
    raise TypeError("an argument of a kernel is no function")


def _no_call(name: str, its: str) -> Callable[..., Any]:
    raise ValueError("a kernel returns no functions")


def main() -> None:
    """Run the job on standard input; answer on standard output, where no kernel can print."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    job = json.loads(sys.stdin.buffer.read())
    guard.limit_memory()
    try:
        answer = _run(job)
    except CannotCompile as error:
        answer = {"wrong": str(error)}
    except NoEmulator as error:
        answer = {"missing": str(error)}
    answers.write(json.dumps(answer))
    answers.flush()
    os._exit(0)


def _run(job: dict[str, Any]) -> dict[str, Any]:
    if sys.platform != "linux":
        raise NoEmulator("the emulator runs on Linux only")
    import minires_emulator as emulator

    emulator.limit_seconds = LIMIT_S
    try:
        module = emulator.RawModule(f'#line 1 "{FILE}"\n{job["source"]}')
        with emulator.check():
            kernel = module.get_function(job["name"])
            _ = kernel.parameters  # compiles
    except emulator.NoCompiler as error:
        raise NoEmulator(str(error)) from None
    except emulator.CompileError as error:
        raise CannotCompile(_of_the_source(str(error))) from None
    except ValueError as error:
        if "there is no kernel" not in str(error):
            raise CannotCompile(str(error)) from None
        raise CannotCompile(
            f"there is no kernel {job['name']!r}: it begins with "
            f'extern "C" __global__ void {job["name"]}( and its parameters'
        ) from None
    runs: list[dict[str, Any]] = []
    for launch in job["launches"]:
        runs.append(_launch(emulator, kernel, launch, job["source"].splitlines()))
        if runs[-1]["report"]:
            break
    return {"runs": runs}


def _launch(emulator: Any, kernel: Any, launch: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    values = {k: unpack(v, _no_call) for k, v in launch["arguments"]}
    passed = tuple(v if v.ndim else v[()] for v in values.values())
    report = ""
    with emulator.check(order=launch["order"], profile=True) as session:
        try:
            kernel(tuple(launch["grid"]), tuple(launch["block"]), passed)
        except emulator.KernelFault as fault:
            report = _in_words(str(fault.reports[0]), list(values), lines)
        except TypeError as error:  # what it says after the semicolon is for whoever launches
            raise CannotCompile(
                f"{str(error).split('; ')[0]}. Keep the kernel's parameters as they were"
            ) from None
        except ValueError as error:
            raise CannotCompile(str(error)) from None
    return {
        "report": report,
        "arrays": [[k, pack(v, _no_function)] for k, v in values.items() if v.ndim],
        "profile": [asdict(row) for row in session.profile],
    }


def _of_the_source(told: str) -> str:
    """Return the compiler's errors that are about the learner's source, three at most."""
    errors = [line for line in told.splitlines() if "error" in line]
    if errors and not any(line.startswith(FILE) for line in errors):
        return "the compiler stumbles where your text ends. Is a closing brace missing, or a ;?"
    mine = [line for line in errors if line.startswith(FILE)]
    return "\n".join(mine[:3] or told.splitlines()[:3])


def _in_words(report: str, names: list[str], lines: list[str]) -> str:
    """Return a report with the arguments' names, and the lines of the source that it speaks of."""
    text = re.sub(r"\bargument (\d+)", lambda m: names[int(m[1])], report)
    places = {int(n): None for n in re.findall(rf"{re.escape(FILE)}:(\d+)", text)}
    shown = [f"    {n}: {lines[n - 1].strip()}" for n in places if 0 < n <= len(lines)]
    if ": time limit" in text.splitlines()[0]:
        shown.append(f"    it has not ended after {LIMIT_S:g} s: does a loop run for ever?")
    return "\n".join([text, *shown])

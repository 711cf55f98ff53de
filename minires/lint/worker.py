"""The process that compiles and runs kernels: `python -m minires.lint.worker`, started by jobs.py.

It reads one JSON document from standard input and writes events, one per line. What kernels print
goes nowhere: the linter's output must stay readable, and a kernel may print without end.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any

COMPILE_LIMIT = 120.0  # seconds of a compilation

Emit = Callable[..., None]


def main() -> None:
    """Run the tasks of the document on standard input."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)

    job = json.loads(sys.stdin.buffer.read())
    folder = re.escape(json.dumps(job["folder"].rstrip("/") + "/")[1:-1])
    beside = re.compile(rf"(?<![\w./-]){folder}(?=[^/])") if len(folder) > 1 else None

    def emit(**event: Any) -> None:
        line = json.dumps(event)
        # Files beside the source are called by their names alone.
        events.write((beside.sub("", line) if beside else line) + "\n")
        events.flush()

    for task in job["tasks"]:
        if task["part"] == "compile":
            compile_for(job, task["arch"], emit)
        else:
            check_kernel(job, task, emit)
        emit(done=True)


def compile_for(job: dict[str, Any], arch: str, emit: Emit) -> None:
    """Compile the file for one architecture; emit resources and what the compiler says."""
    from minires_kernels.cuda import nvrtc

    emit(step=f"compiling for {arch}", limit=COMPILE_LIMIT)
    missing = nvrtc.available()
    if missing is not None:
        emit(missing="nvrtc", text=missing)
        return
    version = ".".join(map(str, nvrtc.version()))
    if not nvrtc.knows(arch):
        emit(unknown_arch=arch, known=nvrtc.architectures(), version=version)
        return
    groups = [job["kernels"]]
    while groups:
        names = groups.pop(0)
        try:
            found = nvrtc.compile(
                job["text"], job["file"], arch, (*nvrtc.OPTIONS, *job["options"]), names
            )
        except nvrtc.CompileError as error:
            if "__nv_name_map" in str(error) and len(names) > 1:  # one wrong name spoils all others
                groups = [[name] for name in names]
                continue
            emit(arch=arch, kernels=names, log=str(error), failed=True, version=version)
            continue
        resources = {name: vars(r) for name, r in found.resources.items() if name in names}
        emit(arch=arch, kernels=names, log=found.log, resources=resources, version=version)


def check_kernel(job: dict[str, Any], task: dict[str, Any], emit: Emit) -> None:
    """Run the launches of one kernel in the emulator; emit what it reports."""
    import minires_emulator as emulator

    from . import launches

    kernel = task["kernel"]
    emit(step=f"compiling {kernel} for the emulator", limit=COMPILE_LIMIT)
    code = f'#line 1 "{job["file"]}"\n{job["text"]}'
    options = ("--std=c++17", "--device-as-default-execution-space", *job["options"])
    try:
        module = emulator.RawModule(code, options=options, name_expressions=(kernel,))
        with emulator.check():
            function = module.get_function(kernel)
            parameters = function.parameters  # compiles
        emit(compiler=emulator.compiler())
    except emulator.NoCompiler as error:
        emit(missing="compiler", text=str(error))
        return
    except emulator.CompileError as error:
        emit(refused=str(error))
        return
    os.environ["MINIRES_EMULATOR_LIMIT"] = str(job["limit"])
    try:
        launches.run(job, task, function, parameters, emit)
    except (ValueError, TypeError, MemoryError) as error:
        emit(wrong=str(error) or "not enough memory")


if __name__ == "__main__":
    main()

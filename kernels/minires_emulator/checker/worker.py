"""The process that compiles kernels and runs them; process.py starts it and tells its protocol.

What kernels print goes nowhere: the report must stay readable, and a kernel may print without end.
"""

from __future__ import annotations

import faulthandler
import itertools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from .findings import UNCHECKED, WARNING, Finding, from_log

COMPILE_LIMIT = 120.0  # seconds
MOST_DIAGNOSTICS = 100  # of a compilation; NVRTC itself stops at 100 errors

Job = dict[str, Any]


class Teller:
    """Writes events for the process that waits for them."""

    def __init__(self, job: Job) -> None:
        self._events = os.fdopen(os.dup(1), "w", encoding="utf-8")
        self._folder = json.dumps(job["folder"].rstrip("/") + "/")[1:-1]
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)

    def tell(self, **event: Any) -> None:
        line = json.dumps(event)
        if len(self._folder) > 1:  # files beside the source are called by their names alone
            line = line.replace(self._folder, "")
        self._events.write(line + "\n")
        self._events.flush()

    def find(self, *fields: Any, **more: Any) -> None:
        self.tell(finding=asdict(Finding(*fields, **more)))

    def step(self, text: str, seconds: float) -> None:
        """Tell what begins; if it takes longer, the process ends, wherever it is."""
        self.tell(step=text)
        faulthandler.dump_traceback_later(seconds, exit=True)


def main() -> None:
    """Run the tasks of the document on standard input."""
    faulthandler.dump_traceback_later(COMPILE_LIMIT, exit=True)
    job = json.loads(sys.stdin.buffer.read())
    teller = Teller(job)
    parts: dict[str, Callable[[Job, dict[str, Any], Teller], None]]
    parts = {"compile": compile_for, "check": check_kernel}
    for task in job["tasks"]:
        parts[task["part"]](job, task, teller)
        teller.tell(done=True)
    faulthandler.cancel_dump_traceback_later()


def compile_for(job: Job, task: dict[str, Any], teller: Teller) -> None:
    """Compile the file for one architecture; tell resources and what the compiler says."""
    from minires_emulator import nvrtc

    arch = task["arch"]
    teller.step(f"compiling for {arch}", COMPILE_LIMIT)
    missing = nvrtc.available()
    if missing is not None:
        text = f"not compiled for any GPU: {missing}, or leave it out with --no-compile"
        teller.find(UNCHECKED, "nvrtc", text)
        return
    version = ".".join(map(str, nvrtc.version()))
    if not nvrtc.knows(arch):
        if task["asked"]:
            known = ",".join(nvrtc.architectures())
            teller.tell(wrong=f"--arch: NVRTC {version} compiles for {known}; got {arch}")
        return
    teller.tell(nvrtc=version)
    groups = [list(job["lines"])]
    for names in groups:
        failed, resources = False, dict[str, Any]()
        options = (*nvrtc.OPTIONS, *job["options"])
        try:
            found = nvrtc.compile(job["text"], job["file"], arch, options, names)
            log, resources = found.log, dict(found.resources)
        except nvrtc.CompileError as error:
            if "__nv_name_map" in str(error) and len(names) > 1:  # one wrong name spoils all others
                groups += [[name] for name in names]
                continue
            failed, log = True, str(error)
        for finding in itertools.islice(from_log(log, arch, failed), MOST_DIAGNOSTICS):
            teller.tell(finding=asdict(finding))
        for name in names:
            if name in resources:
                _tell_resources(job, name, arch, asdict(resources[name]), teller)


def _tell_resources(job: Job, name: str, arch: str, used: dict[str, Any], teller: Teller) -> None:
    teller.tell(kernel=name, arch=arch, resources=used)
    if spilled := used["spill_stores"] + used["spill_loads"]:
        text = f"{spilled} bytes of registers spill to memory, which is slow"
        places = [(job["file"], job["lines"][name])]
        teller.find(WARNING, "spill", text, name, places, archs=[arch])


def check_kernel(job: Job, task: dict[str, Any], teller: Teller) -> None:
    """Run the launches of one kernel in the emulator; tell what it reports."""
    import minires_emulator as emulator

    from . import runs

    kernel = task["kernel"]
    here = [(job["file"], job["lines"][kernel])]
    teller.step(f"compiling {kernel} for the emulator", COMPILE_LIMIT)
    code = f'#line 1 "{job["file"]}"\n{job["text"]}'
    options = ("--std=c++17", "--device-as-default-execution-space", *job["options"])
    try:
        module = emulator.RawModule(code, options=options, name_expressions=(kernel,))
        with emulator.check():
            function = module.get_function(kernel)
            parameters = function.parameters  # compiles
        teller.tell(compiler=emulator.compiler())
    except emulator.NoCompiler as error:
        text = f"not run: {error}, or leave it out with --no-check"
        teller.find(UNCHECKED, "emulator", text)
        return
    except emulator.CompileError as error:
        lines = str(error).splitlines()
        details = [line for line in lines if "error" in line][:4] or lines[:4]
        text = "the emulator cannot compile this kernel, so that it did not run"
        teller.find(UNCHECKED, "emulator", text, kernel, here, details)
        return
    os.environ["MINIRES_EMULATOR_LIMIT"] = str(job["limit"])
    try:
        runs.run(job, task, function, parameters, teller)
    except (ValueError, TypeError, MemoryError) as error:
        text = str(error) or "not enough memory"
        if task["launches"]:
            teller.tell(wrong=text)
        else:
            text = f"cannot be launched: {text}; write a comment `// check: launch …`"
            teller.find(UNCHECKED, "launch", text, kernel, here)


if __name__ == "__main__":
    main()

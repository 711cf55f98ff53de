"""NVIDIA's compute-sanitizer over the quick checks, one run for each of its tools.

memcheck    accesses outside of arrays, or misaligned
racecheck   races in shared memory
synccheck   barriers that not all threads reach
initcheck   reads of memory that nobody wrote

The checks take each array's memory from the driver meanwhile (--plain-memory): in CuPy's pool one
array lies right behind the other, and an access past the end of one would be inside the next.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from ..timing import Row, note

TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
LIMIT_S = 300.0  # for each tool
ERRORS = 99  # the exit status for what a tool has found
ROOT = Path(__file__).parents[2]
SUMMARY = re.compile(r"^=+ (.*SUMMARY: .*)$", re.M)


def find() -> str | None:
    """Return the path of compute-sanitizer: on PATH, or in the toolkit's folder; None if absent."""
    folders = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")]
    places = [str(Path(folder) / "bin") for folder in (*folders, "/usr/local/cuda") if folder]
    return shutil.which("compute-sanitizer") or shutil.which(
        "compute-sanitizer", path=os.pathsep.join(places)
    )


def checks_command(folder: str) -> list[str]:
    """Return the command whose kernels are watched."""
    chosen = ["--only", "checks", "--quick", "--plain-memory", "--out", folder]
    return [sys.executable, "-m", "benchmarks.gpu", *chosen]


def run_tool(program: str, tool: str, limit_s: float = LIMIT_S) -> Row:
    """Run the quick checks under one tool; "result" is clean, ERRORS, or why there is none."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        options = ["--tool", tool, "--error-exitcode", str(ERRORS), "--print-limit", "20"]
        command = [program, *options, "--log-file", str(log), *checks_command(folder)]
        status, output = _run(command, limit_s)
        text = log.read_text("utf-8", "replace") if log.exists() else ""
    row: Row = {"tool": tool, "seconds": round(time.perf_counter() - start)}
    return row | verdict(status, text, output, limit_s)


def _run(command: Sequence[str], limit_s: float) -> tuple[int | None, str]:
    """Return the exit status, None past the limit, and what was printed."""
    with tempfile.TemporaryFile() as file:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            status: int | None = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:  # past the limit, or interrupted
                os.killpg(process.pid, signal.SIGKILL)  # it and the program that it watches
                process.wait()
        file.seek(0)
        return status, file.read().decode("utf-8", "replace")


def verdict(status: int | None, log: str, output: str, limit_s: float) -> Row:
    """Say what a run means, with the tool's own summary, or its last words where there is none."""
    found = SUMMARY.findall(log) or SUMMARY.findall(output)
    if status is None:
        return {"result": f"no result within {limit_s:.0f} s", "failed": False, "summary": ""}
    if not found:
        lines = [line for line in (log + "\n" + output).splitlines() if line.strip()]
        said = lines[-1].strip() if lines else "it printed nothing"
        return {"result": f"no result, exit status {status}", "failed": False, "summary": said}
    summary = found[-1].strip()
    if status == ERRORS or not re.search(r"SUMMARY: 0 (errors|hazards)", summary):
        return {"result": "ERRORS", "failed": True, "summary": summary, "log": log[:20000]}
    if status != 0:
        result = f"clean, but the checks themselves failed with exit status {status}"
        return {"result": result, "failed": True, "summary": summary}
    return {"result": "clean", "failed": False, "summary": summary}


def run_all(program: str, tools: Sequence[str] = TOOLS) -> list[Row]:
    """Run every tool, one after the other."""
    rows = []
    for tool in tools:
        rows.append(run_tool(program, tool))
        note(f"sanitizer: {tool}: {rows[-1]['result']}")
    return rows

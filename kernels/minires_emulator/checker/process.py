"""Run tasks in another process, which may crash, hang or print without harm.

The worker (worker.py) gets one JSON document with the settings and the tasks, and writes lines of
JSON: {"step": text} before whatever may take long, {"done": true} after each task, and what it
found. It ends itself when a step outlasts its limit. The task that it did not survive ends with
{"lost": what happened, "step": text}, and a new worker goes on with the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Event = dict[str, Any]


def run(
    settings: Mapping[str, Any], tasks: Sequence[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], Event]]:
    """Yield (task, event) until every task has ended, one way or another."""
    waiting = list(tasks)
    while waiting:
        events, lost = _work({**settings, "tasks": waiting})
        for event in events:
            if "step" in event:
                lost["step"] = event["step"]
            elif "done" in event:
                waiting.pop(0)
            else:
                yield waiting[0], event
        if waiting:
            yield waiting.pop(0), lost


def _work(job: Mapping[str, Any]) -> tuple[list[Event], Event]:
    """Start a worker; return what it told, and how it ended."""
    process = subprocess.Popen(
        # -P: a file of the user's folder must not be taken for a module
        [sys.executable, "-P", "-m", "minires_emulator.checker.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        start_new_session=True,  # to be ended with all that it starts
    )
    try:
        told, errors = process.communicate(json.dumps(job).encode())
    finally:
        with contextlib.suppress(OSError):  # it has ended
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
    events = []
    for line in told.splitlines():
        with contextlib.suppress(ValueError):  # the last line of a process that was killed
            events.append(json.loads(line))
    return events, _end(process.returncode, errors.decode("utf-8", "replace").strip())


def _end(code: int, errors: str) -> Event:
    lost = {"step": "starting", "kind": "crash", "told": errors}
    if errors.startswith("Timeout ("):  # faulthandler's first words
        return lost | {"kind": "time limit", "lost": "no end within the time limit", "told": ""}
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return lost | {"lost": f"the process was ended by {name}"}
    return lost | {"lost": f"the process ended with code {code}"}

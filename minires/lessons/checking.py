"""Running a learner's file, and checking it in a process of its own.

The process may raise, exit, crash or run for ever: what it has solved until then is known from
lines of JSON that it writes before and after each exercise.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import os
import queue
import signal
import subprocess
import sys
import threading
import traceback
import types
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .exercise import Result, time_limit
from .files import source

PATIENCE_S = 600.0  # between exercises, where experiments run and kernels are compiled
_CHILD = "import sys; from minires.lessons.checking import child; child(sys.argv[1])"


@dataclass
class Outcome:
    """What a file solved: its lesson, a result per exercise that was reached, why it stopped."""

    lesson: int | None = None
    results: dict[str, Result] = field(default_factory=dict)
    running: str = ""  # the exercise that is being checked
    stopped: str = ""


def execute(path: Path) -> None:
    """Run a lesson script or the code cells of a notebook as `__main__`."""
    text, name = source(path), str(path)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    module, before = types.ModuleType("__main__"), sys.modules["__main__"]
    module.__file__ = name
    sys.modules["__main__"] = module
    sys.path.insert(0, str(path.absolute().parent))
    try:
        exec(compile(text, name, "exec", dont_inherit=True), module.__dict__)
    finally:
        sys.modules["__main__"] = before
        with contextlib.suppress(ValueError):
            sys.path.remove(str(path.absolute().parent))


def check_file(path: Path) -> Outcome:
    """Check the exercises of a file; see `minires lessons check`.

    An exercise is given MINIRES_EXERCISE_SECONDS and is then interrupted; if that does not help,
    the process is ended. Ctrl-C ends it too, after naming the exercise.
    """
    environment = os.environ | {
        "MINIRES_CHECK": "1",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
    }
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _CHILD, str(path)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    outcome = Outcome()
    try:
        _follow(process, outcome)
    except KeyboardInterrupt:
        where = f"exercise {outcome.running}" if outcome.running else "the script"
        print(f"[STOP] {where}: interrupted", flush=True)
        raise
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return outcome


def _follow(process: subprocess.Popen[bytes], outcome: Outcome) -> None:
    """Take the messages of the process until it ends or has been silent for too long."""
    messages: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read() -> None:
        with contextlib.suppress(ValueError, OSError):  # a broken line, a closed pipe
            for line in process.stdout or ():
                messages.put(json.loads(line))
        messages.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        patience = 2 * time_limit() + 10 if outcome.running else PATIENCE_S
        try:
            message = messages.get(timeout=patience)
        except queue.Empty:
            outcome.stopped = f"it was ended after {patience:g} s without an answer"
            break
        except KeyboardInterrupt:
            process.kill()  # what it has said until now names the exercise
            with contextlib.suppress(queue.Empty):
                while (message := messages.get(timeout=5)) is not None and "running" in message:
                    outcome.running = message["running"]
            raise
        if message is None:
            code = process.wait()
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            outcome.stopped = f"the process ended with {how}"
            break
        if "stopped" in message:
            outcome.lesson, outcome.stopped = message["lesson"], message["stopped"]
            break
        outcome.running = message["running"]
        outcome.lesson = message["lesson"]
        if message["result"] is not None:
            outcome.results[message["result"]["name"]] = Result(**message["result"])
    if outcome.running:
        outcome.results[outcome.running] = Result(outcome.running, "FAIL", outcome.stopped)
        outcome.stopped += f" in exercise {outcome.running}"


def child(name: str) -> None:
    """Run a file in this process and write what happens, a line of JSON each, to standard output.

    What the file itself prints is dropped.
    """
    from . import kit

    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    sys.stdout = os.fdopen(null, "w", encoding="utf-8")
    sys.argv = [name]
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def say(**message: Any) -> None:
        lesson = kit.latest.number if kit.latest else None
        print(json.dumps({"lesson": lesson, **message}), file=channel, flush=True)

    def on_exercise(exercise: str, result: Result | None) -> None:
        say(running="" if result else exercise, result=asdict(result) if result else None)

    kit.on_exercise = on_exercise
    stopped = ""
    try:
        execute(Path(name))
    except SystemExit as error:
        stopped = (
            error.code if isinstance(error.code, str) else "it calls exit" + _where(error, name)
        )
    except BaseException as error:  # a learner's file may raise anything
        stopped = f"{type(error).__name__}: {error}" + _where(error, name)
    say(stopped=stopped)


def _where(error: BaseException, name: str) -> str:
    """Return the innermost line of the file that an exception passed, or ""."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == name]
    return f", line {frames[-1].lineno}: {frames[-1].line}" if frames else ""

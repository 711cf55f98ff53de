"""The processes in which tests run: started here, asked here, and ended here.

They write no byte code and no pytest cache, and keep what they compile in a folder of the run.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SERVE = Path(__file__).parent / "child" / "serve.py"
CAN_FORK = hasattr(os, "fork") and sys.platform not in ("emscripten", "wasi")
Reply = dict[str, Any]


class Broken(ValueError):
    """The tests cannot be run, or fail without any mutation."""


class Worker:
    """A process that has collected the tests, and forks for each request."""

    def __init__(
        self, room: Path, compiled: Path, files: Sequence[Path], pytest_args: Sequence[str]
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="worker-", dir=room))
        theirs, self._write = os.pipe()
        self._read, back = os.pipe()
        settings = {
            "pytest": [*pytest_args, *_quiet(self.folder)],
            "files": [str(f) for f in files],
            "pipes": [theirs, back],
        }
        self._log = self.folder / "log"
        self._process = _start(self.folder, settings, self._log, compiled, (theirs, back))
        os.close(theirs)
        os.close(back)
        self._replies = os.fdopen(self._read, "rb")
        try:
            self.tests: list[str] = self._answer()["tests"]
        except BaseException:
            self.close()
            raise

    def ask(self, **request: Any) -> Reply:
        """Return the reply to a request. Broken, with its output, if the process has ended."""
        with contextlib.suppress(BrokenPipeError):
            data = (json.dumps(request) + "\n").encode()
            while data:
                data = data[os.write(self._write, data) :]
        return self._answer()

    def _answer(self) -> Reply:
        line = self._replies.readline()
        if not line:
            raise Broken(f"pytest ended before it ran a test:\n{_tail(self._log)}")
        reply: Reply = json.loads(line)
        if reply["status"] == "broken":
            told = f"{reply['test']}\n{reply['message']}".strip()
            raise Broken(f"the tests cannot be collected: {told}\n{_tail(self._log)}".rstrip())
        return reply

    def close(self) -> None:
        """End the process and what it has started."""
        with contextlib.suppress(OSError):
            os.close(self._write)
        _end(self._process)
        with contextlib.suppress(OSError):
            self._replies.close()


def fresh(
    room: Path, files: Sequence[Path], pytest_args: Sequence[str], request: Reply, wall: float
) -> Reply:
    """Perform one request in a new process, which sees the texts of the request from the start."""
    folder = Path(tempfile.mkdtemp(prefix="fresh-", dir=room))
    reply, log = folder / "reply.json", folder / "log"
    settings = {
        "pytest": [*pytest_args, *_quiet(folder)],
        "files": [str(f) for f in files],
        "request": request,
        "reply": str(reply),
    }
    process = _start(folder, settings, log, folder / "compiled")
    try:
        process.wait(wall)
    except subprocess.TimeoutExpired:
        return {"status": "timeout"}
    finally:
        _end(process)
    if not reply.exists():
        return {"status": "crash", "message": f"an early end ({process.returncode})"}
    answer: Reply = json.loads(reply.read_text(encoding="utf-8"))
    if answer["status"] == "broken":  # a mutant with which the tests cannot even be collected
        return answer | {"status": "failed"}
    return answer


def _start(
    folder: Path, settings: Reply, log: Path, compiled: Path, pipes: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    if importlib.util.find_spec("pytest") is None:
        raise ImportError("minires mutate runs your tests with pytest: pip install pytest")
    file = folder / "settings.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    own = {
        "PYTHONDONTWRITEBYTECODE": "1",
        "MINIRES_CACHE_DIR": str(compiled),
        "NUMBA_CACHE_DIR": str(compiled),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, str(SERVE), str(file)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **own},
            start_new_session=True,  # so that Ctrl-C reaches this process only
            pass_fds=tuple(pipes),
        )


def _quiet(folder: Path) -> list[str]:
    """Return pytest's arguments that keep it in one process and out of the user's folders."""
    options = ["-q", "--assert=plain", "-p", "no:randomly", "-o", f"cache_dir={folder / 'cache'}"]
    options += [f"--basetemp={folder / 'tmp'}"]
    if os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        return options
    if importlib.util.find_spec("xdist") is not None:
        options += ["-n", "0"]
    if importlib.util.find_spec("pytest_cov") is not None:
        options += ["--no-cov"]
    return options


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass
    process.wait()


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        return log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
    return ""

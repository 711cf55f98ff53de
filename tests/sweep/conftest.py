"""What the tests of sweeps share: a small sweep as a command, and what a serial run of it gives."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from minires import sweep
from minires.store import Store

SETTING = {"depth": [4, 6, 8], "width": 16, "skip": ["none", "identity"], "epochs": 6}
RUNS = 24


class Small:
    """A sweep of 24 short runs, started as a process; `serial` has its bits."""

    runs = RUNS
    arguments = ("sweep", "degradation", "depth=4,6,8", "width=16", "skip=none,identity",
                 "epochs=6", "--seeds", "4")  # fmt: skip

    def __init__(self, serial):
        self.serial = serial
        self.processes = []

    def start(self, *options, inside=(), **how):
        """Start it with further options, by the words `inside` before the command."""
        command = [*inside, sys.executable, "-m", "minires", *self.arguments, *options]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
        self.processes.append(subprocess.Popen(command, **streams, **how))
        return self.processes[-1]

    @staticmethod
    def digests(path):
        return {run.key: run.digest() for run in Store(path).runs()}

    @staticmethod
    def until(condition, seconds=240):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.02)

    def until_there(self, path, runs):
        self.until(lambda: len(Store(path).keys()) >= runs)


@pytest.fixture(scope="session")
def _serial(tmp_path_factory):
    path = tmp_path_factory.mktemp("serial")
    asked = {"task": "degradation", "setting": SETTING, "seeds": 4}
    assert sweep.run(sweep.plan(asked).jobs().jobs, path).computed == RUNS
    return Small.digests(path)


@pytest.fixture
def small(_serial):
    found = Small(_serial)
    yield found
    for process in found.processes:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.communicate()

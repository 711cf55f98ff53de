"""Processes of this machine: killed in the middle, and every run is there once, with its bits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minires import sweep
from minires.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc"),
]
COMMAND = [
    sys.executable, "-m", "minires", "sweep", "degradation", "depth=4,6,8", "width=16",
    "skip=none,identity", "epochs=6", "--seeds", "4", "--jobs", "2",
]  # fmt: skip


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    path = tmp_path_factory.mktemp("serial")
    setting = {"depth": [4, 6, 8], "width": 16, "skip": ["none", "identity"], "epochs": 6}
    asked = {"task": "degradation", "setting": setting, "seeds": 4}
    assert sweep.run(sweep.plan(asked).jobs().jobs, path).computed == 24
    return digests(path)


def digests(path):
    return {run.key: run.digest() for run in Store(path).runs()}


def start(path):
    return subprocess.Popen(
        [*COMMAND, "--store", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip


def until(condition, seconds=100):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def workers(process):
    """Return the processes that compute for this one."""
    found = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        for pid in (task / "children").read_text(encoding="ascii").split():
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"popen_loky" in command:
                found.append(int(pid))
    return sorted(found)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_killed_workers_cost_the_runs_in_hand_and_nothing_else(tmp_path, serial):
    process = start(tmp_path)
    store = Store(tmp_path)
    for before in (2, 6, 10):
        until(lambda n=before: len(store.keys()) >= n and len(workers(process)) == 2)
        os.kill(workers(process)[0], signal.SIGKILL)
        until(lambda: len(workers(process)) < 2)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert "24 runs: 0 were there, 24 computed" in said
    assert digests(tmp_path) == serial


def test_a_killed_sweep_takes_its_workers_along_and_goes_on(tmp_path, serial):
    store = Store(tmp_path)
    for before in (1, 4, 7):
        process = start(tmp_path)
        until(lambda n=before: len(store.keys()) >= n)
        orphans = workers(process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        until(lambda found=orphans: not any(map(alive, found)), 20)
    process = start(tmp_path)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert digests(tmp_path) == serial
    assert "24 runs: " in said


def test_ctrl_c_of_a_terminal_lets_the_runs_in_hand_finish(tmp_path, serial):
    process = subprocess.Popen(
        [*COMMAND, "--store", str(tmp_path)], start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    until(lambda: len(Store(tmp_path).keys()) >= 3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    said = process.communicate()[0]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "in hand; another Ctrl-C stops at once" in said
    assert f"To go on: minires sweep {' '.join(COMMAND[4:])}" in said
    found = digests(tmp_path)
    assert 3 <= len(found) < 24
    assert found.items() <= serial.items()

"""Processes of this machine: killed in the middle, and every run is there once, with its bits."""

import os
import re
import signal
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc"),
]


def workers(process):
    """Return the processes that compute for this one."""
    found = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        for pid in (task / "children").read_text(encoding="ascii").split():
            if b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return sorted(found)


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_killed_workers_cost_the_runs_in_hand_and_nothing_else(tmp_path, small):
    process = small.start("--jobs", "2", "--store", str(tmp_path))
    small.until_there(tmp_path, 2)
    os.kill(workers(process)[0], signal.SIGKILL)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert "24 runs: 0 were there, 24 computed" in said
    assert small.digests(tmp_path) == small.serial


def test_a_killed_sweep_takes_its_workers_along_and_goes_on(tmp_path, small):
    process = small.start("--jobs", "2", "--store", str(tmp_path))
    small.until_there(tmp_path, 4)
    orphans = workers(process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    small.until(lambda: not any(map(alive, orphans)), 20)
    process = small.start("--jobs", "2", "--store", str(tmp_path))
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert "24 runs: 0 were there" not in said
    assert small.digests(tmp_path) == small.serial


def test_ctrl_c_of_a_terminal_lets_the_runs_in_hand_finish(tmp_path, small):
    process = small.start("--jobs", "2", "--store", str(tmp_path), start_new_session=True)
    small.until_there(tmp_path, 3)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    said = process.communicate()[0]
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "in hand; another Ctrl-C stops at once" in said
    assert f"To go on: minires {' '.join(small.arguments)} --jobs 2 --store {tmp_path}\n" in said
    found = small.digests(tmp_path)
    assert 3 <= len(found) < small.runs
    assert found.items() <= small.serial.items()


def computed(said):
    return int(re.search(r"there, (\d+) computed", said)[1])


def test_two_sweeps_on_one_store_share_the_runs(tmp_path, small):
    both = [small.start("--jobs", "1", "--store", str(tmp_path)) for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    counts = [computed(text) for text in said]
    assert sum(counts) == small.runs  # none twice
    assert min(counts) > 0
    assert small.digests(tmp_path) == small.serial
    assert list((tmp_path / "runs").glob(".*")) == []


def test_a_sweep_takes_over_what_another_one_that_is_killed_had_begun(tmp_path, small):
    first = small.start("--jobs", "1", "--store", str(tmp_path))
    small.until(lambda: list((tmp_path / "runs").glob(".claim-*")))
    os.kill(first.pid, signal.SIGSTOP)  # in the middle of a run, or between two
    second = small.start("--jobs", "1", "--store", str(tmp_path))
    small.until_there(tmp_path, 12)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    said = second.communicate()[0]
    assert second.returncode == 0, said
    assert small.digests(tmp_path) == small.serial
    assert list((tmp_path / "runs").glob(".claim-*")) == []

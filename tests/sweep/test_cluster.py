"""A Dask cluster of separate processes: workers and scheduler killed, the network cut."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("distributed", reason='needs Dask: pip install "minires[cluster]"')

pytestmark = pytest.mark.slow
QUICK = {  # what takes minutes otherwise
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "11s",  # the least that Dask takes
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s",
}


class Cluster:
    """A scheduler and workers, each a process of its own, in a network namespace or in none."""

    def __init__(self, folder, host="127.0.0.1"):
        self.folder, self.host, self.port = folder, host, 0
        self.processes = {}

    def start(self, name, *words, inside=()):
        log = open(self.folder / f"{name}.log", "ab")  # noqa: SIM115 (its process keeps it)
        command = [*inside, sys.executable, "-m", "dask", *words, "--no-dashboard"]
        environment = {**os.environ, **QUICK, "MINIRES_NUM_THREADS": "1"}
        self.processes[name] = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        log.close()

    def scheduler(self, inside=()):
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        where = ("--host", self.host, "--port", str(self.port))
        self.start("scheduler", "scheduler", *where, "--scheduler-file", str(file), inside=inside)
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, ValueError):
                self.address = json.loads(file.read_text(encoding="utf-8"))["address"]
                break
            assert time.monotonic() < end, "no scheduler"
            time.sleep(0.05)
        self.port = int(self.address.rpartition(":")[2])

    def worker(self, name, inside=(), host="127.0.0.1"):
        words = ("--nthreads", "1", "--host", host, "--local-directory", str(self.folder / name))
        self.start(name, "worker", self.address, "--no-nanny", *words, inside=inside)

    def kill(self, name):
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    for name in list(made.processes):
        made.kill(name)


def start(small, cluster, store, **how):
    environment = {**os.environ, **QUICK}
    where = ("--store", str(store), "--scheduler", cluster.address)
    return small.start(*where, env=environment, **how)


def check(small, process, store):
    """The sweep has ended well: every run is there, once, with the bits of a serial one."""
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert small.digests(store) == small.serial
    assert "failed" not in said
    return said


def test_workers_and_scheduler_killed_in_the_middle(tmp_path, small, cluster):
    store = tmp_path / "store"
    cluster.scheduler()
    cluster.worker("one")
    process = start(small, cluster, store)
    small.until_there(store, 3)
    cluster.kill("one")  # nobody is left
    cluster.worker("two")
    small.until_there(store, 8)
    cluster.kill("scheduler")  # what it knew is gone, and workers end with it
    cluster.kill("two")
    cluster.scheduler()  # at the same port
    cluster.worker("three")
    said = check(small, process, store)
    assert "does not answer; waiting for it" in said
    assert "it is back" in said


@pytest.fixture
def namespaces():
    """Two networks with a cable between them: (words before commands in each), plug(True|False)."""
    if not shutil.which("ip") or os.geteuid() != 0:
        pytest.skip("needs root and the command ip, to make networks and cut them")
    near, far = (f"minires-{side}-{os.getpid()}" for side in ("near", "far"))

    def ip(*words):
        return subprocess.run(["ip", *words], capture_output=True, encoding="utf-8", timeout=60)

    try:
        for name in (near, far):
            made = ip("netns", "add", name)
            if made.returncode:
                pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
            ip("-n", name, "link", "set", "lo", "up")
        made = ip("-n", near, "link", "add", "cable", "type", "veth", "peer", "cable", "netns", far)
        if made.returncode:
            pytest.skip(f"no virtual cables here: {made.stderr.strip()}")
        for name, address in ((near, "10.213.7.1/24"), (far, "10.213.7.2/24")):
            ip("-n", name, "address", "add", address, "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
        inside = [("ip", "netns", "exec", name) for name in (near, far)]
        yield *inside, lambda on: ip("-n", near, "link", "set", "cable", "up" if on else "down")
    finally:
        ip("netns", "delete", near)
        ip("netns", "delete", far)


def test_a_network_that_is_cut_for_a_while(tmp_path, small, cluster, namespaces):
    near, far, plug = namespaces
    store = tmp_path / "store"
    cluster.host = "10.213.7.1"
    cluster.scheduler(inside=near)
    cluster.worker("near", inside=near, host="10.213.7.1")
    cluster.worker("far", inside=far, host="10.213.7.2")
    process = start(small, cluster, store, inside=far)
    small.until_there(store, 4)
    plug(False)  # the sweep and a worker are cut off from the scheduler and the other worker
    small.until(lambda: cluster.processes["far"].poll() is not None)  # it gives up
    plug(True)
    check(small, process, store)

"""Ranks that are threads of the test: they meet in memory, and what they say can be looked at."""

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import pytest

from minires.parallel import Comm, Pending

PATIENCE = 30  # s


class Meeting:
    """Where ranks leave what they say; `log` is the order in which rank 0 speaks."""

    def __init__(self, size):
        self.size, self.changed = size, threading.Condition()
        self.said, self.log = defaultdict(dict), []

    def hear(self, call):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.said[call]) == self.size, PATIENCE)
            return [self.said[call][rank] for rank in range(self.size)]


class Thread(Comm):
    def __init__(self, meeting, rank):
        super().__init__()
        self.meeting, self.rank, self.size, self.calls = meeting, rank, meeting.size, 0

    def _say(self, value):
        with self.meeting.changed:
            self.calls += 1
            self.meeting.said[self.calls][self.rank] = value
            self.meeting.changed.notify_all()
            return self.calls

    def start(self, a):
        self.bytes += a.nbytes
        if self.rank == 0:
            self.meeting.log.append(("start", a.size))
        return _Sum(self, a, self._say(a.copy()))

    def gather(self, value):
        return self.meeting.hear(self._say(value))

    def broadcast(self, a):
        a[...] = self.gather(a.copy())[0]


class _Sum(Pending):
    def __init__(self, comm, a, call):
        self.comm, self.a, self.call = comm, a, call

    def wait(self):
        if self.comm.rank == 0:
            self.comm.meeting.log.append(("wait", self.a.size))
        self.a[...] = sum(self.comm.meeting.hear(self.call))


@pytest.fixture
def among():
    """Run a function of a communicator on several ranks; returns what each returned."""

    def run(size, function):
        meeting = Meeting(size)
        with ThreadPoolExecutor(size) as pool:
            return list(pool.map(function, [Thread(meeting, rank) for rank in range(size)]))

    return run

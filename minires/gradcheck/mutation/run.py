"""`mutate`: run tests on every mutant of the backward passes of some files."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import queue
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .generate import Mutant, mutants
from .places import Place, files_of, places
from .report import ERROR, KILLED, SURVIVED, MutationReport, Outcome
from .workers import CAN_FORK, Broken, Reply, Worker, fresh

Progress = Callable[[str], None]
SLOWER = 5  # times the clean run that a mutant may take
SPARE = 5.0  # seconds of processor time on top
SEARCH = 10.0  # seconds of processor time to look for a test that kills a survivor
STATUS = {"failed": KILLED, "crash": "crash", "timeout": "timeout", "passed": SURVIVED}


class Run:
    """A run over the mutants of some files. `results` grows while it goes on."""

    def __init__(
        self,
        tests: Sequence[str],
        targets: Sequence[str | Path],
        functions: Sequence[str] = (),
        *,
        maximum: int | None = None,
        seed: int = 0,
        jobs: int = 1,
        state: Path | None = None,
        new_processes: bool = not CAN_FORK,
        progress: Progress = lambda line: None,
    ) -> None:
        self.tests, self.jobs, self.progress = list(tests), jobs, progress
        self.files = files_of(targets)
        self.places = places(self.files, functions)
        self.mutants = mutants(self.places)
        self.generated = len(self.mutants)
        if maximum is not None and maximum < len(self.mutants):
            chosen = sample(self.mutants, maximum, random.Random(seed))
            self.mutants = [m for m in self.mutants if m.id in chosen]
        self.new_processes = new_processes
        self.results: dict[str, Outcome] = {}
        self.state = State(state, self.tests, self.files)
        self.notes: list[str] = []
        self.durations: dict[str, float] = {}
        self.reached: dict[int, list[str]] | None = None
        self._workers: list[Worker] = []
        self._modules: list[str] = []
        self._index = {p: k for k, p in enumerate(self.places)}
        self.originals = {str(m.place.file): m.original for m in self.mutants}

    # ---- the whole ------------------------------------------------------------------------------
    def go(self, seconds: float | None = None, witnesses: bool = True) -> MutationReport:
        """Run the tests clean, then on the mutants; a keyboard interrupt gives what there is.

        Raises Broken if the tests fail on the code as it is.
        """
        start = time.monotonic()
        until = start + seconds if seconds is not None else float("inf")
        self.room = Path(tempfile.mkdtemp(prefix="minires-mutate-"))
        kept = self.state.path
        self.compiled = self.room / "compiled" if kept is None else Path(f"{kept}.compiled")
        interrupted = False
        try:
            self._known()
            worker = None if self.new_processes else self._worker()
            self._clean(worker)
            self._all(worker, until)
            if witnesses and worker is not None:
                self._witnesses(worker)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            for each in self._workers:
                each.close()
            shutil.rmtree(self.room, ignore_errors=True)
        done = [self.results[m.id] for m in self.mutants if m.id in self.results]
        return MutationReport(
            done,
            generated=self.generated,
            planned=len(self.mutants),
            seconds=time.monotonic() - start,
            interrupted=interrupted,
            notes=self.notes,
        )

    def _known(self) -> None:
        for m in self.mutants:
            if (outcome := self.state.of(m)) is not None:
                self.results[m.id] = outcome
        if self.results:
            self.progress(f"{len(self.results)} results were there already")

    def _clean(self, worker: Worker | None) -> None:
        """Run the tests on the code as it is, twice: once to time them, once to see their reach."""
        if worker is None:
            reply = fresh(self.room, self.files, self.tests, {"do": "run"}, 1e6)
        else:
            reply = worker.ask(do="run")
        _must_pass(reply, "as it is")
        self.durations = reply["durations"]
        if not self.durations:
            raise Broken(f"pytest {' '.join(self.tests)} finds no test")
        total = sum(self.durations.values())
        self.progress(f"clean run: {len(self.durations)} tests pass, {total:.1f} s")
        if worker is None:
            return
        self._modules = reply["modules"]
        worker.ask(do="import", modules=self._modules)
        spots = [[str(p.file), p.name, p.line] for p in self.places]
        reply = worker.ask(do="reach", places=spots, tests=self._fastest(self.durations))
        if reply["status"] == "failed":
            text = f"{reply['test']} fails when the fast tests come first; they keep their order"
            self.notes.append(text)
            self.durations = dict.fromkeys(self.durations, total / len(self.durations))
            reply = worker.ask(do="reach", places=spots)
        _must_pass(reply, "the second time")
        self.reached = {int(k): v for k, v in reply["reached"].items()}

    def _fastest(self, tests: Any) -> list[str]:
        return sorted(tests, key=lambda t: self.durations.get(t, 0.0))

    def selected(self, place: Place) -> list[str]:
        """Return the tests that enter a function, fastest first; all where that is not known."""
        known = None if self.reached is None else self.reached.get(self._index[place])
        return self._fastest(self.durations if known is None else known)

    # ---- the mutants ----------------------------------------------------------------------------
    def _all(self, first: Worker | None, until: float) -> None:
        waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
        for m in self.mutants:
            if m.id not in self.results:
                waiting.put(m)
        errors: list[BaseException] = []
        stop = threading.Event()

        def work(worker: Worker | None) -> None:
            own = worker
            try:
                while not stop.is_set() and time.monotonic() < until:
                    mutant = waiting.get_nowait()
                    if own is None and not self.new_processes:
                        own = self._worker()
                        own.ask(do="import", modules=self._modules)
                    self._keep(self._outcome(own, mutant))
            except queue.Empty:
                return
            except BaseException as error:
                errors.append(error)
                stop.set()

        threads = [
            threading.Thread(target=work, args=(first if k == 0 else None,), daemon=True)
            for k in range(min(self.jobs, max(1, waiting.qsize())))
        ]
        for t in threads:
            t.start()
        try:
            for t in threads:
                while t.is_alive():
                    t.join(0.2)
        except KeyboardInterrupt:
            stop.set()
            raise
        if errors:
            raise errors[0]

    def _worker(self) -> Worker:
        worker = Worker(self.room, self.compiled, self.files, self.tests)
        self._workers.append(worker)
        return worker

    def _outcome(self, worker: Worker | None, mutant: Mutant) -> Outcome:
        tests = self.selected(mutant.place)
        if not tests:
            return Outcome(mutant, SURVIVED, message="no test enters this function")
        start = time.monotonic()
        cpu = SPARE + SLOWER * sum(self.durations.get(t, 0.0) for t in tests)
        request: Reply = {
            "do": "run",
            "tests": tests,
            "texts": {str(mutant.place.file): mutant.source},
            "originals": self.originals,
            "cpu": cpu,
            "wall": 4 * cpu + 20,
        }
        reply: Reply = {"status": "unswappable"}
        if worker is not None:
            reply = worker.ask(**request)
        if reply["status"] == "unswappable":
            wall: float = request["wall"] + 60
            reply = fresh(self.room, self.files, self.tests, request, wall)
        status = STATUS.get(reply["status"], ERROR)
        return Outcome(
            mutant,
            status,
            test=reply.get("test", ""),
            message=reply.get("message", "") if status == ERROR else _last(reply),
            seconds=time.monotonic() - start,
            tests=len(tests),
        )

    def _keep(self, outcome: Outcome) -> None:
        self.results[outcome.mutant.id] = outcome
        self.state.add(outcome)
        m = outcome.mutant
        before, after = m.change()
        done = f"{len(self.results)}/{len(self.mutants)}"
        what = f"{m.place.file.name}:{m.line} {m.place.name}"
        self.progress(f"{done:>9} {outcome.status:<9} {what}: {before} -> {after}")

    def _witnesses(self, worker: Worker) -> None:
        from .witness import look_for

        alive: dict[Place, list[Outcome]] = {}
        for o in self.results.values():
            if o.status == SURVIVED and o.witness is None and self.selected(o.mutant.place):
                alive.setdefault(o.mutant.place, []).append(o)
        for group in alive.values():
            look_for(self, worker, group, SEARCH * (2 + len(group)))
            for o in group:
                self.state.add(o)


def sample(found: Sequence[Mutant], count: int, rng: random.Random) -> set[str]:
    """Choose mutants at random, one of each function, then a second one of each, and so on."""
    groups: dict[Place, list[str]] = {}
    for m in found:
        groups.setdefault(m.place, []).append(m.id)
    for group in groups.values():
        rng.shuffle(group)
    rounds = itertools.zip_longest(*groups.values())
    return set([name for names in rounds for name in names if name is not None][:count])


def _last(reply: Reply) -> str:
    """Return the last line of what a failed test printed."""
    lines = str(reply.get("message", "")).strip().splitlines()
    return lines[-1] if lines else ""


def _must_pass(reply: Reply, when: str) -> None:
    if reply["status"] != "passed":
        told = "\n".join(str(reply[k]) for k in ("test", "message") if reply.get(k))
        raise Broken(
            f"the tests must pass before they can be judged, and on the code {when} they do not "
            f"({reply['status']}):\n{told}"
        )


class State:
    """Results kept in a file, one a line, so that a run that was stopped goes on.

    They hold as long as the tests and the targets are what they were; otherwise all is run again.
    """

    def __init__(self, path: Path | None, tests: Sequence[str], files: Sequence[Path]) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        if path is None:
            return
        self._stamp = fingerprint(tests, files)
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            rows = [json.loads(line) for line in lines if line.endswith("}")]
            if rows and rows[0].get("minires mutate") == self._stamp:
                self.rows = {row["id"]: row for row in rows[1:]}
                return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"minires mutate": self._stamp}) + "\n", encoding="utf-8")

    def of(self, mutant: Mutant) -> Outcome | None:
        """Return what is known of a mutant."""
        row = self.rows.get(mutant.id)
        return None if row is None else Outcome.of(mutant, row)

    def add(self, outcome: Outcome) -> None:
        """Append a result."""
        if self.path is not None:
            with self._lock, self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome.row()) + "\n")


def fingerprint(tests: Sequence[str], files: Sequence[Path]) -> str:
    """Hash the targets, pytest's arguments, and the Python files of those that are paths."""
    h = hashlib.sha256(json.dumps(list(tests)).encode())
    found = list(files)
    for given in tests:
        path = Path(given.split("::")[0])
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.is_file() else []
    for path in found:
        h.update(os.fsencode(path) + b"\0" + path.read_bytes())
    return h.hexdigest()[:16]

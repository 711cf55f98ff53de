"""How long the runs of a sweep take: by runs of the store, by those that end, or by a probe."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..store import Job, Store
from .cost import Cost
from .worker import one_thread

REFIT = 1.3  # the estimate learns anew when so many times as many runs are measured
PROBE = 20.0  # s that a run may take which is only computed to measure it
LEAST = {"epochs": 1, "iterations": 1, "steps": [0], "records": [0], "warmup": 0}


class Estimates:
    """Seconds of runs, by their task and setting."""

    def __init__(self, store: Store, jobs: Sequence[Job]) -> None:
        tasks = sorted({job.task for job in jobs})
        self.by_task = {task: Cost() for task in tasks}
        self.runs: dict[str, list[tuple[Mapping[str, Any], float]]] = {task: [] for task in tasks}
        for run in store.runs(task=tasks) if tasks else []:
            self.runs[run.task].append((run.setting, run.seconds))
        for task in tasks:
            self._fit(task)

    @property
    def known(self) -> bool:
        """Whether a run of each task was measured."""
        return all(cost.measured for cost in self.by_task.values())

    @property
    def measured(self) -> int:
        """How many runs the estimates rest on."""
        return sum(cost.measured for cost in self.by_task.values())

    def seconds(self, job: Job) -> float:
        """Return the estimate for a run; while none was measured, only ratios mean something."""
        return self.by_task[job.task].seconds(job.setting)

    def learn(self, job: Job, seconds: float) -> bool:
        """Take in what a run took; tell whether the estimates have changed."""
        runs = self.runs[job.task]
        runs.append((job.setting, seconds))
        if len(runs) < REFIT * self.by_task[job.task].measured:
            return False
        self._fit(job.task)
        return True

    def _fit(self, task: str) -> None:
        runs = self.runs[task]
        self.by_task[task].fit([setting for setting, _ in runs], [took for _, took in runs])

    def probe(self, jobs: Sequence[Job]) -> None:
        """Measure the shortest run of each unknown task, and one of middle length; keep neither."""
        for task in [task for task, cost in self.by_task.items() if not cost.measured]:
            own = sorted((job for job in jobs if job.task == task), key=self.seconds)
            for job in (own[0], own[0], own[len(own) // 2]):  # the first time kernels are compiled
                if self.by_task[task].measured and self.seconds(job) > PROBE:
                    continue
                with tempfile.TemporaryDirectory() as folder, one_thread():
                    start = time.perf_counter()
                    Store(folder).compute(job)
                    took = time.perf_counter() - start
                self.runs[task] = [(s, t) for s, t in self.runs[task] if s != job.setting]
                self.runs[task].append((job.setting, took))
                self._fit(task)


def small(jobs: Iterable[Job]) -> list[tuple[str, dict[str, Any]]]:
    """Return a few short trainings that need the kernels of all these runs."""
    seen: set[tuple[Any, ...]] = set()
    chosen = []
    for job in sorted(jobs, key=lambda job: Cost().seconds(job.setting)):
        needs = {
            (job.task, job.setting.get("arch"), name, str(value))
            for name, value in job.setting.items()
            if isinstance(value, str) and name not in ("init", "data")
        }
        if needs - seen:
            seen |= needs
            short = {k: v for k, v in LEAST.items() if k in job.setting}
            chosen.append((job.task, {**job.setting, **short}))
    return chosen

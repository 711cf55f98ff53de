"""One run that is asked for: what to do, with which net and data, and the seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from minires_kernels import checks

from . import version
from .tasks import TASKS, Result


class Asked(Protocol):
    """What a store finds a run by: a `Job`, or a training."""

    def document(self) -> dict[str, Any]:
        """Return all that the run depends on."""

    def key(self) -> str:
        """Return the name of its folder, `key_of` its document."""


@dataclass(frozen=True)
class Job:
    """A task with its setting (all fields, plain values) and a seed; make it by `Job.of`."""

    task: str
    setting: Mapping[str, Any]
    seed: int

    @classmethod
    def of(cls, task: str, /, *, seed: int = 0, **given: Any) -> Job:
        """Return the job of a task with the fields that are given, and defaults for the others.

        `TASKS[task].fields` has them all. Raises ValueError or TypeError for what is not offered.
        """
        if task not in TASKS:
            raise ValueError(f"task: expected one of {', '.join(TASKS)}, got {task!r}")
        return cls(task, TASKS[task].check(given), checks.integer("seed", seed, 0))

    def document(self) -> dict[str, Any]:
        """Return all that the run depends on: what the key is a hash of."""
        return {
            "task": self.task,
            "setting": dict(self.setting),
            "seed": self.seed,
            "code": version.code(self.task),
            "data": version.data(self.setting["data"]),
        }

    def key(self) -> str:
        """Return the name of the run's folder: 16 hex digits."""
        return key_of(self.document())

    def compute(self) -> Result:
        """Compute it, whether it is in a store or not; see `Store.compute`."""
        return TASKS[self.task].compute(self.setting, self.seed)


def key_of(document: Mapping[str, Any]) -> str:
    """Return the key that belongs to a run's document; other entries of it do not matter."""
    asked = {name: document[name] for name in ("task", "setting", "seed", "code", "data")}
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

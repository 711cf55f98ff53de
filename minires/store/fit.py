"""Trainings of `minires train` as stored runs: a recipe, any net, records every so many steps.

They are not computed by the store, which only keeps what came out: checkpoints are in OUT.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from minires_kernels import current_backend

from . import version
from .job import key_of
from .tasks import Result

if TYPE_CHECKING:
    from ..train import Run

TASK = "fit"
VARYING = ("seconds", "images_per_second")  # of a run's metrics: not the same a second time


@dataclass(frozen=True)
class Fit:
    """A training that was asked for.

    identity    what `train.session` says that it is: model, recipe, seed, data
    record      iterations between two records of gradient flow
    eval_every  iterations between evaluations, None for the usual
    ranks       processes that trained it together, by whose number gradients are rounded
    sync_bn     whether their batch norm was that of the whole batch
    """

    identity: Mapping[str, Any]
    record: int
    eval_every: int | None = None
    ranks: int = 1
    sync_bn: bool = False

    def document(self) -> dict[str, Any]:
        """Return all that the run depends on, the setting flat."""
        model, recipe, data = (self.identity[name] for name in ("model", "recipe", "data"))
        options = " ".join(f"{k}={v}" for k, v in sorted(model["options"].items()))
        text = json.dumps(data, sort_keys=True)
        return {
            "task": TASK,
            "setting": {
                "model": model["name"],
                "options": options,
                "data": data["train"]["name"],
                **{name: recipe[name] for name in sorted(recipe)},
                "record": self.record,
                "eval_every": self.eval_every,
                "ranks": self.ranks,
                "sync_bn": self.sync_bn,
                "backend": current_backend(),
            },
            "seed": self.identity["seed"],
            "code": version.code(TASK),
            "data": hashlib.sha256(text.encode()).hexdigest()[:12],
        }

    def key(self) -> str:
        """Return the name of the run's folder."""
        return key_of(self.document())


def result_of(run: Run) -> Result:
    """Return what a training that finished, or diverged, has measured."""
    curve = [
        {name: value for name, value in asdict(row).items() if name not in VARYING}
        for row in run.rows
    ]
    diverged = run.status == "diverged"
    summary = {
        "loss": run.records[0]["loss"] if run.records else None,
        "train_loss": None if diverged else run.train_loss,
        "train_error": None if diverged else run.train_error,
        "test_loss": None if run.test is None else run.test.loss,
        "test_error": run.test_error,
        "diverged": diverged,
        "diverged_at": run.iteration if diverged else None,
    }
    return Result(rows=run.records, curve=curve, summary=summary)

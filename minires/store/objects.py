"""Stored runs as the objects of the experiments, from which tables and figures are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from ..experiments.degradation import Curve, Recipe
from ..experiments.gradflow import Run, run_of
from ..experiments.rows import BlockRecord, LayerRecord
from ..experiments.settings import Experiment, Setting, seed_list
from . import tasks, version
from .job import Job
from .stored import Damaged, Stored

# fields of an experiment that are not of its nets
GRADFLOW = ("data", "batch_size", "lr", "warmup", "dtype", "steps")


def gradflow_jobs(experiment: Experiment) -> list[Job]:
    """Return a job for each net and seed of an experiment, in its order."""
    how = {name: getattr(experiment, name) for name in GRADFLOW}
    return [
        Job.of("gradflow", seed=seed, **asdict(setting) | how)
        for setting, seed in experiment.jobs()
    ]


def degradation_jobs(
    settings: Sequence[Setting], seeds: int | Sequence[int], recipe: Recipe
) -> list[Job]:
    """Return a job for each net and seed, in order."""
    how = asdict(recipe)
    if recipe.optimizer == "adam":
        how["momentum"] = None  # it has none
    return [
        Job.of("degradation", seed=seed, **asdict(setting) | how)
        for setting in settings
        for seed in seed_list(seeds)
    ]


def gradflow_runs(stored: Stored) -> list[Run]:
    """Return what a stored run (of gradflow, or train) measured, one `Run` for each step.

    They are equal to those that were measured. Raises Damaged.
    """
    rows, blocks = _by_step(stored.rows()), _by_step(stored.blocks())
    if stored.task == "gradflow":  # its curve has a step at which a net was found diverged, too
        losses = {row["step"]: row["loss"] for row in stored.curve()}
    else:
        losses = {step: same[0]["loss"] for step, same in rows.items()}
    try:
        how, net = tasks.experiment(stored.setting), tasks.net(stored.setting)
        return [
            run_of(
                how,
                net,
                stored.seed,
                step,
                loss,
                [LayerRecord(**_of(LayerRecord, row)) for row in rows.get(step, [])],
                [BlockRecord(**_of(BlockRecord, row)) for row in blocks.get(step, [])],
            )
            for step, loss in losses.items()
        ]
    except (TypeError, ValueError, KeyError) as error:
        raise Damaged(f"{stored.path} cannot be read by this version of minires: {error}") from None


def curve_of(stored: Stored) -> Curve:
    """Return the training curve of a stored run of the task degradation. Raises Damaged."""
    rows, s = stored.curve(), stored.summary
    try:
        return Curve(
            tasks.net(stored.setting),
            stored.seed,
            [row["train_loss"] for row in rows],
            [row["train_error"] for row in rows],
            s["test_error"],
            s["diverged_at"],
            tasks.recipe(stored.setting),
        )
    except (TypeError, ValueError, KeyError) as error:
        raise Damaged(f"{stored.path} cannot be read by this version of minires: {error}") from None


def newest(runs: Iterable[Stored]) -> list[Stored]:
    """Return one run for each setting and seed: that of this code, else the one made last.

    So nets that were measured by two versions do not count twice.
    """
    best: dict[tuple[str, str, int], Stored] = {}
    for run in runs:
        name = (run.task, repr(sorted(run.setting.items())), run.seed)
        if name not in best or _rank(run) > _rank(best[name]):
            best[name] = run
    return list(best.values())


def _rank(run: Stored) -> tuple[bool, str]:
    return run.code == version.code(run.task), str(run.made.get("when"))


def _by_step(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["step"], []).append(row)
    return found


def _of(kind: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {name: value for name, value in row.items() if name in names}

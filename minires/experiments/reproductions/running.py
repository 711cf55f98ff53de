"""Running a reproduction: every arm with every seed; what is finished is kept, and not repeated."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ... import results
from ...train.console import duration
from ..settings import seed_list
from .base import Arm, Form, Reproduction, Result

Tell = Callable[[str], object]
RUNS = "runs"  # folder of the finished runs, below that of the results


def stream(
    reproduction: Reproduction,
    form: Form,
    arms: Sequence[Arm],
    seeds: Any = None,
    tell: Tell = lambda text: None,
) -> Iterator[Result]:
    """Run every arm for one seed after the other; yields each result as it comes.

    A finished run of the same settings is read from form.out / "runs". Raises ValueError at once
    for wrong seeds, and OSError for a folder that cannot be written to.
    """
    usual = 1 if form.weights else reproduction.seeds  # one trained net is one sample
    chosen = seed_list(usual if seeds is None else seeds)
    results.folder(form.out)
    return _stream(reproduction, form, arms, chosen, tell)


def _stream(
    reproduction: Reproduction, form: Form, arms: Sequence[Arm], seeds: list[int], tell: Tell
) -> Iterator[Result]:
    jobs, begun = [(arm, seed) for seed in seeds for arm in arms], time.perf_counter()
    done = 0
    for i, (arm, seed) in enumerate(jobs, start=1):
        path, identity = _place(form, arm, seed), _identity(reproduction, form, arm, seed)
        result, kept = _kept(path, identity), True
        if result is None:
            tell(f"[{i}/{len(jobs)}] {arm.name}, seed {seed} …")
            start, kept = time.process_time(), False
            result = arm.measure(seed)
            result.arm, result.seed = arm.name, seed
            result.seconds = round(time.process_time() - start, 2)
            done += 1
            document = {"identity": identity, "result": result.to_document()}
            results.write_text(path, results.to_json(document))
        said = _said(reproduction, result)
        if kept:
            tell(f"[{i}/{len(jobs)}] {arm.name}, seed {seed}: {said}, from an earlier run")
        else:
            left = (time.perf_counter() - begun) / done * (len(jobs) - i)
            tell(f"[{i}/{len(jobs)}] {arm.name}, seed {seed}: {said}, {result.seconds:.0f} s"
                 + (f"; about {duration(left)} left" if i < len(jobs) else ""))  # fmt: skip
        yield result


def check_data(reproduction: Reproduction, form: Form) -> None:
    """Raise ValueError for data that the reproduction does not take."""
    name = form.data.partition(":")[0]
    offered = [d.partition(":")[0] for d in reproduction.data]
    if name not in offered or (name == "folder" and not form.data.partition(":")[2]):
        raise ValueError(
            f"data: {reproduction.name} takes {', '.join(reproduction.data)}; got {form.data!r}"
        )
    if form.weights and not reproduction.weights:
        raise ValueError(f"weights: {reproduction.name} trains its nets; leave --weights out")
    if form.weights and form.full:
        raise ValueError("weights: --full trains the nets; leave one of the two out")
    if form.full and name not in (reproduction.full_data, "folder"):
        raise ValueError(
            f"data: the full form of {reproduction.name} takes {reproduction.full_data}, "
            f"got {form.data!r}"
        )


def _said(reproduction: Reproduction, result: Result) -> str:
    if result.value is None:
        return f"diverged at step {result.diverged_at}"
    return f"{result.value:.2f} {reproduction.unit}"


# ---- what is kept -------------------------------------------------------------------------------
def slug(name: str, seed: int) -> str:
    """Return a name for the files of a run."""
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") + f"-{seed}"


def _place(form: Form, arm: Arm, seed: int) -> Path:
    return form.out / RUNS / f"{slug(arm.name, seed)}.json"


def _identity(reproduction: Reproduction, form: Form, arm: Arm, seed: int) -> Any:
    """Return what makes a finished run the same as one that is asked for."""
    return results.finite(
        {
            "reproduction": reproduction.name,
            "full": form.full,
            "data": form.data,
            "arm": arm.name,
            "seed": seed,
            "settings": dict(arm.settings),
            "minires": results.versions()["minires"],
        }
    )


def _kept(path: Path, identity: Any) -> Result | None:
    """Return a finished run, None if there is none, or of other settings, or damaged."""
    try:
        document = json.loads(results.read_text(path))
        if document["identity"] != identity:
            return None
        return Result.from_document(document["result"])
    except (OSError, ValueError, TypeError, KeyError):
        return None

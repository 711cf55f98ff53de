"""What can be computed and stored: tasks, the fields of their settings, and what they return."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from minires_kernels import BACKENDS, checks, current_backend, use_backend

from ..data import load_digits
from ..experiments import degradation, gradflow, training
from ..experiments.columns import COLUMNS
from ..experiments.settings import (
    DATA,
    DEGRADATION_WIDTH,
    DTYPES,
    GRADFLOW_WIDTH,
    Experiment,
    Setting,
    grid,
    one_of,
)
from ..models import options
from ..random import using
from ..tensor import Array

Values = dict[str, Any]
Table = list[dict[str, Any]]


@dataclass
class Result:
    """What a task returns: tables of plain values, and arrays.

    rows      a row for each layer and measured step
    blocks    a row for each residual block and measured step
    curve     a row for each step or epoch that was looked at: loss, error
    summary   scalars of the whole run
    """

    rows: Table = field(default_factory=list)
    blocks: Table = field(default_factory=list)
    curve: Table = field(default_factory=list)
    summary: Values = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)


class Field(NamedTuple):
    """A field of a setting: its default, and what it is."""

    default: Any
    about: str


@dataclass(frozen=True)
class Task:
    """Something that can be computed from a flat setting and a seed.

    complete  puts what follows from other values into a setting that has all fields, and raises
              ValueError or TypeError for what is wrong
    run       computes it
    """

    name: str
    about: str
    fields: Mapping[str, Field]
    complete: Callable[[Values], None]
    run: Callable[[Values, int], Result]

    def check(self, given: Mapping[str, Any]) -> Values:
        """Return the whole setting, with defaults and plain values.

        Raises ValueError, or TypeError, for what is not offered, naming what is.
        """
        for name in given:
            if name not in self.fields:
                near = difflib.get_close_matches(str(name), self.fields, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise ValueError(
                    f"{self.name} has no field {name!r}{hint} (there are {', '.join(self.fields)})"
                )
        setting = {name: _plain(given.get(name, f.default), f) for name, f in self.fields.items()}
        setting["backend"] = setting["backend"] or current_backend()
        one_of("backend", [setting["backend"]], BACKENDS)
        self.complete(setting)
        return setting

    def compute(self, setting: Mapping[str, Any], seed: int) -> Result:
        """Compute it: the same bits in any process, whatever ran there before."""
        backend = use_backend(setting["backend"])
        with using(np.random.default_rng(seed)), backend, _one_blas_thread():
            return self.run(dict(setting), seed)


def _one_blas_thread() -> AbstractContextManager[object]:
    """Let BLAS run on one thread: it sums otherwise on several. Kernels do not, on their own."""
    try:
        import threadpoolctl
    except ImportError:  # in a browser, where there is one thread
        return nullcontext()
    limits: AbstractContextManager[object] = threadpoolctl.threadpool_limits(1, user_api="blas")
    return limits


def _plain(value: Any, f: Field) -> Any:
    """Return a value as JSON holds it; where the default is a float, whole numbers are floats."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(v, Field(None, "")) for v in value]
    if isinstance(f.default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


# ---- the fields of settings ---------------------------------------------------------------------
_NET = {
    "arch": "mlp",
    "depth": 20,
    "skip": "none",
    "norm": "none",
    "init": "he",
    "activation": "relu",
    "width": None,
}


def _fields(**defaults: Any) -> dict[str, Field]:
    return {name: Field(value, ABOUT.get(name, COLUMNS.get(name, ""))) for name, value in
            defaults.items()}  # fmt: skip


ABOUT = {
    "optimizer": "sgd, or adam",
    "momentum": "of sgd",
    "backend": "which kernels compute; None: the backend in use",
    "steps": "training steps (sgd, momentum 0.9) before which to measure; 0: the untrained net",
    "records": "training steps before which to measure; 0: the untrained net",
    "iterations": "training steps in all",
    "width": "of an mlp's layers, or filters of a conv net's first stage; None: the task's own",
}
NET = _fields(**{f.name: _NET.get(f.name, f.default) for f in fields(Setting)})
TRAINING = _fields(
    optimizer="sgd",
    lr=0.01,
    momentum=0.9,
    weight_decay=1e-4,
    warmup=0,
    milestones=[0.5, 0.75],
    clip=None,
    batch_size=128,
)
PLACE = _fields(data="digits", dtype="float32", backend=None)


def net(setting: Mapping[str, Any]) -> Setting:
    """Return the net of a setting, which may be of a version with fewer fields."""
    return Setting(**{f.name: setting[f.name] for f in fields(Setting) if f.name in setting})


def recipe(setting: Mapping[str, Any]) -> degradation.Recipe:
    """Return how the net of a setting is trained."""
    names = {f.name for f in fields(degradation.Recipe)} & set(setting)
    how = {name: setting[name] for name in names} | {"milestones": tuple(setting["milestones"])}
    return degradation.Recipe(**how | {"momentum": setting["momentum"] or 0.0})


def experiment(setting: Mapping[str, Any]) -> Experiment:
    """Return the gradient-flow experiment of one net: data, batch, rate, dtype, steps."""
    same = {f.name: setting[f.name] for f in fields(Experiment) if f.name in setting}
    one = {f"{name}s": [setting[name]] for name in ("depth", "skip", "norm", "init")}
    return Experiment(**same | one)


def _check_net(s: Values, widths: Mapping[str, int]) -> None:
    for name in ("arch", "skip", "norm", "init", "activation", "shortcut", "order"):
        if not isinstance(s[name], str):
            raise TypeError(f"{name}: expected a name, got {s[name]!r}")
    s["width"] = widths.get(s["arch"]) if s["width"] is None else s["width"]
    found = grid(
        s["arch"], [s["depth"]], [s["skip"]], [s["norm"]], [s["init"]], s["activation"],
        s["width"], s["branch_scale"],
    )[0]  # fmt: skip
    s["depth"], s["width"] = found.depth, found.width
    order = "preact" if s["skip"] == "preact" else s["order"]
    options.check(
        s["norm"], s["activation"], order, s["skip"] != "none", s["shortcut"], s["branch_scale"]
    )


def _check_training(s: Values) -> None:
    if s["optimizer"] == "adam":
        if s["momentum"] not in (None, TRAINING["momentum"].default):
            raise ValueError(f"momentum: is of sgd, not of adam; got {s['momentum']}")
        s["momentum"] = None
    else:
        s["momentum"] = checks.real("momentum", s["momentum"])
    s["clip"] = None if s["clip"] is None else checks.real("clip", s["clip"])
    s["lr"], s["weight_decay"] = (checks.real(n, s[n]) for n in ("lr", "weight_decay"))
    if not isinstance(s["milestones"], list):
        raise TypeError(f"milestones: expected a list of fractions, got {s['milestones']!r}")
    s["milestones"] = sorted(checks.real("milestones", cut) for cut in s["milestones"])
    recipe(s)
    _check_batch(s)


def _check_batch(s: Values) -> None:
    one_of("data", [s["data"]], DATA)
    samples = len(training.load(s["data"])[0])
    if not 4 <= checks.integer("batch_size", s["batch_size"], 1) <= samples:
        raise ValueError(f"batch_size: expected 4 to {samples}, got {s['batch_size']}")


def _check_steps(name: str, steps: Any) -> list[int]:
    if not isinstance(steps, list):
        raise TypeError(f"{name}: expected a list of steps, e.g. [0, 100], got {steps!r}")
    return sorted({checks.integer(name, step, 0) for step in steps})


# ---- gradient flow ------------------------------------------------------------------------------
def _gradflow_complete(s: Values) -> None:
    _check_net(s, GRADFLOW_WIDTH)
    s["steps"] = _check_steps("steps", s["steps"])
    s["lr"] = checks.real("lr", s["lr"])
    experiment(s)
    _check_batch(s)


def _gradflow(s: Values, seed: int) -> Result:
    how = experiment(s)
    x, y = how.load()
    runs = gradflow.measure(how, net(s), seed, x, y)
    result = _records(runs)
    result.curve = [{"step": r.step, "loss": r.loss} for r in runs]
    last = runs[-1]
    result.summary |= {"diverged": last.diverged, "diverged_at": last.step if last.diverged else
                       None}  # fmt: skip
    return result


def _records(runs: list[gradflow.Run]) -> Result:
    """Return the rows of layers and blocks; the summary is that of the first record."""
    found = Result()
    for r in runs:
        head = {"step": r.step, "loss": r.loss}
        found.rows += [head | asdict(layer) for layer in r.layers]
        found.blocks += [{"step": r.step} | asdict(block) for block in r.blocks]
    if runs:
        found.summary = {
            "loss": runs[0].loss,
            "dx_factor": runs[0].dx_factor,
            "decades_lost": runs[0].decades_lost(),
        }
    return found


# ---- training -----------------------------------------------------------------------------------
def _degradation_complete(s: Values) -> None:
    _check_net(s, DEGRADATION_WIDTH)
    if (s["data"], s["dtype"]) != ("digits", "float32"):
        raise ValueError("degradation: is on digits, in float32; the task train takes others")
    _check_training(s)


def _degradation(s: Values, seed: int) -> Result:
    curve = degradation.train(net(s), seed, load_digits(), recipe(s))
    found = Result()
    found.curve = [
        {"epoch": epoch, "train_loss": loss, "train_error": error}
        for epoch, (loss, error) in enumerate(zip(curve.losses, curve.errors, strict=True), start=1)
    ]
    found.summary = {
        "train_loss": curve.losses[-1] if curve.diverged_at is None else None,
        "train_error": curve.final_error,
        "test_error": curve.test_error,
        "diverged": curve.diverged_at is not None,
        "diverged_at": curve.diverged_at,
    }
    return found


def _train_complete(s: Values) -> None:
    _check_net(s, GRADFLOW_WIDTH)
    one_of("dtype", [s["dtype"]], DTYPES)
    _check_training(s)
    steps = _check_steps("records", s["records"])
    iterations = checks.integer("iterations", s["iterations"], 1)
    s["records"] = training.check_records(steps, iterations)


def _train(s: Values, seed: int) -> Result:
    done = training.train(
        net(s), seed, recipe(s), s["iterations"], s["records"], s["data"], s["dtype"]
    )
    found = _records(done.records)
    found.curve = done.curve
    found.summary |= {
        "train_loss": done.train_loss,
        "train_error": done.train_error,
        "test_error": done.test_error,
        "diverged": done.diverged_at is not None,
        "diverged_at": done.diverged_at,
    }
    return found


TASKS = {
    task.name: task
    for task in (
        Task(
            "gradflow",
            "signal and gradient by layer, before some steps of training",
            NET | PLACE | _fields(batch_size=128, lr=0.01, warmup=0, steps=[0]),
            _gradflow_complete,
            _gradflow,
        ),
        Task(
            "degradation",
            "training error of plain and residual twins, by epochs",
            NET | PLACE | TRAINING | _fields(epochs=20),
            _degradation_complete,
            _degradation,
        ),
        Task(
            "train",
            "some steps of training, with records before some of them, and the errors at the end",
            NET | PLACE | TRAINING | _fields(iterations=200, records=[0]),
            _train_complete,
            _train,
        ),
    )
}

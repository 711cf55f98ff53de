"""What a run leaves: model.safetensors, metrics.csv, curves, run.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from .. import results
from ..data import Normalise
from ..tensor import Array
from .metrics import COLUMNS, Row

MODEL, METRICS = "model.safetensors", "metrics.csv"

_ABOUT = {
    "kind": "interval: the batches since the row before (100); epoch: the last epoch's worth of "
    "batches; test: an evaluation",
    "iteration": "steps taken",
    "epoch": "passes through the training images",
    "lr": "learning rate of the step to come",
    "train_loss": "mean loss of the batches as they ran, in nats",
    "train_error": "share of their images misclassified, 0 to 1",
    "test_loss": "mean cross-entropy of the test images in evaluation mode, in nats",
    "test_error": "share of the test images misclassified, 0 to 1",
    "seconds": "since the training began, evaluations and all sessions included",
    "images_per_second": "of training, since the row before",
}
assert set(_ABOUT) == {f.name for f in fields(Row)}


def model_bytes(state: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file of a net's state, with what one needs to use it."""
    from safetensors.numpy import save

    return save({k: np.array(v, order="C") for k, v in state.items()}, metadata=dict(metadata))


def normalise_text(normalise: Normalise) -> str:
    """Return a normalisation as JSON: float32 numbers with the digits that tell them apart."""
    state = {k: _numbers(v) for k, v in normalise.state().items()}
    return json.dumps(state)


def _numbers(a: Array) -> Any:
    return float(str(a[()])) if a.ndim == 0 else [_numbers(part) for part in a]


def normalise_of(text: str) -> Normalise:
    """Undo `normalise_text`."""
    return Normalise.from_state({k: np.array(v, np.float32) for k, v in json.loads(text).items()})


def metrics_text(rows: list[dict[str, Any]]) -> str:
    """Return metrics.csv."""
    return results.to_csv(rows, COLUMNS)


def about_columns() -> dict[str, str]:
    """Return what the columns of metrics.csv are."""
    return dict(_ABOUT)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a metrics.csv, numbers as numbers and empty fields as None."""
    import csv
    import io

    rows = []
    for row in csv.DictReader(io.StringIO(results.read_text(path))):
        rows.append({k: v if k == "kind" else float(v) if v else None for k, v in row.items()})
    return rows

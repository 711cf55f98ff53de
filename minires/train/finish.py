"""The end of a session: what is written to the run's folder."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import results
from . import checkpoint, curves, flowmap_figure, outputs
from .flow import NAME as FLOW

if TYPE_CHECKING:
    from .run import Run
    from .session import Session


def write(session: Session, run: Run) -> list[Path]:
    """Write model (of a finished run), metrics, curves and run.json; return their paths.

    All of them or none; the checkpoint stays. Raises OSError.
    """
    assert session.folder is not None
    files: dict[str, bytes | str] = {}
    if run.status == "finished":
        with session.averages.applied():
            files[outputs.MODEL] = outputs.model_bytes(
                session.net.state_dict(), _metadata(session, run)
            )
    rows = session.metrics.table()
    files[outputs.METRICS] = outputs.metrics_text(rows)
    if session.flow.rows:
        files[FLOW] = results.to_csv(session.flow.rows)
        files |= flowmap_figure.render(session.progress, run.status)
    files |= curves.render(session.progress, run.status)
    paths = results.save_run(session.folder.path, "train", files, _document(session, run))
    if run.status == "finished":
        with contextlib.suppress(OSError):
            checkpoint.remove(session.folder.path, names=(checkpoint.PREVIOUS,))
    return paths


def _metadata(session: Session, run: Run) -> dict[str, str]:
    """Return what the model's file says of itself."""
    images = session.train_images
    found = {
        "kind": "minires model",
        "model": session.model["name"],
        "options": json.dumps(session.model["options"]),
        "classes": json.dumps(list(images.classes)),
        "normalise": outputs.normalise_text(session.normalise),
        "shape": json.dumps(list(images.x.shape[1:])),
        "data": images.name,
        "source": json.dumps({k: session.origin.get(k) for k in ("data", "size")}),
        "data_note": images.note,
        "recipe": json.dumps(session.recipe.document()),
        "weights": session.averages.names(),
        "iterations": str(run.iteration),
        "seed": str(session.seed),
        "train_error": f"{run.train_error:.6f}",
        "command": session.origin.get("command", ""),
        "versions": json.dumps(results.versions()),
    }
    if run.test is not None:
        found["test_error"] = f"{run.test.error:.6f}"
        found["test_loss"] = f"{run.test.loss:.6f}"
    if run.test_views is not None:
        found["views"] = str(run.test_views.views)
        found["test_error_views"] = f"{run.test_views.error:.6f}"
    return found


def _document(session: Session, run: Run) -> dict[str, Any]:
    """Return what run.json holds."""
    images, test = session.train_images, session.test_images
    found: dict[str, Any] = {
        "status": run.status,
        "reason": run.reason,
        **session.identity(),
        "data_note": images.note,
        "classes": list(images.classes),
        "iteration": run.iteration,
        "iterations": run.iterations,
        "batches_per_epoch": session.per_epoch,
        "seconds": round(run.seconds, 1),
        "seconds_training": round(run.seconds - session.meter.aside, 1),
        "seconds_waiting_for_data": round(session.loader.waited, 3),
        "reproducible": session.recipe.minutes is None,
        "train_loss": run.train_loss,
        "train_error": run.train_error,
    }
    if run.test is not None and test is not None:
        found |= {
            "test_images": len(test),
            "test_loss": run.test.loss,
            "test_error": run.test.error,
            "test_weights": session.averages.names(),
        }
    if run.test_views is not None:
        found |= {"test_error_views": run.test_views.error, "test_loss_views": run.test_views.loss}
    return (
        found
        | session.ranks.document()
        | {
            "origin": session.origin,
            "columns": outputs.about_columns(),
            "versions": results.versions(),
        }
    )

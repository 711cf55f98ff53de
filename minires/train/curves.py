"""The learning curves of a run: running training error, evaluation error, drops of the rate."""

from __future__ import annotations

from .. import plotting
from .listener import Progress
from .metrics import Row

TRAIN, TEST = plotting.GREYS[1], plotting.RESIDUAL


def series(rows: list[Row]) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return (epoch, error in %) of training, by interval, and of the evaluations."""
    train = [
        (r.epoch, 100 * r.train_error)
        for r in rows
        if r.kind == "interval" and r.train_error is not None
    ]
    test = [
        (r.epoch, 100 * r.test_error) for r in rows if r.kind == "test" and r.test_error is not None
    ]
    return train, test


def statement(progress: Progress, status: str) -> str:
    """Return what the curves show, as a sentence."""
    rows, name = progress.metrics.rows, progress.name
    test = progress.metrics.last("test")
    epochs = f"{progress.epoch:.3g} epoch{'s' if progress.epoch != 1 else ''}"
    if test is not None and test.test_error is not None:
        text = f"{name} errs on {100 * test.test_error:.2f} % of the test images"
    elif rows and (error := progress.metrics.running(progress.per_epoch)[1]) is not None:
        text = f"{name} errs on {100 * error:.1f} % of the training images, as they ran"
    else:
        return f"{name}: no error measured yet"
    when = {
        "finished": f"after {epochs}",
        "diverged": f"and diverged at epoch {progress.epoch:.3g}",
    }
    return f"{text} {when.get(status, f'after {epochs}, and has not finished')}"


def render(progress: Progress, status: str) -> dict[str, bytes | str]:
    """Return {"curves.png": …, "curves.svg": …}; nothing before anything was measured."""
    train, test = series(progress.metrics.rows)
    if not train and not test:
        return {}
    figure, axes = plotting.new_figure(1, 1, 7, 4.2)
    axis = axes[0, 0]
    log = "y" if min(v for _, v in train + test) > 0 else ""
    plotting.label_axes(axis, "epoch", "error (%)", log=log)
    for points, label, colour in ((train, "training, running", TRAIN), (test, "test", TEST)):
        if points:
            x, y = zip(*points, strict=True)
            plotting.band_curve(axis, x, [y], label, colour, marker="o" if len(x) == 1 else "")
    total = progress.epoch / progress.done if progress.done else progress.epoch
    for cut in progress.recipe.cuts():
        if cut <= progress.done:
            text = f"rate × {progress.recipe.gamma:g}"
            plotting.reference_line(axis, text, x=cut * total)
    note = (
        f"{progress.data}{f' ({progress.note})' if progress.note else ''}; one run. Training: the "
        "batches as they ran, augmented, 100 iterations each. Test: evaluation mode."
    )
    plotting.state(figure, statement(progress, status), note)
    plotting.label_curves(axis)
    found = plotting.render(figure, f"Learning curves of {progress.name}")
    return {f"curves{suffix}": data for suffix, data in found.items()}

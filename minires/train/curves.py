"""The learning curves of a run: running training error, evaluation error, drops of the rate."""

from __future__ import annotations

from .. import plotting
from .listener import Progress
from .metrics import INTERVAL

Points = list[tuple[float, float]]
TRAIN, TEST = plotting.GREYS[1], plotting.RESIDUAL


def series(progress: Progress) -> tuple[Points, Points]:
    """Return (epoch, error in %) of training and of the evaluations.

    Training by intervals of 100 iterations, or by epochs where these are shorter.
    """
    kind = training_rows(progress)
    train, test = [], []
    for row in progress.metrics.rows:
        if row.kind == kind and row.train_error is not None:
            train.append((row.epoch, 100 * row.train_error))
        if row.test_error is not None:
            test.append((row.epoch, 100 * row.test_error))
    return train, test


def training_rows(progress: Progress) -> str:
    """Return the kind of rows that the training curve is made of."""
    return "interval" if progress.per_epoch >= INTERVAL else "epoch"


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


def note(progress: Progress) -> str:
    """Return how the curves were measured, and what must be said of the data."""
    each = f"{INTERVAL} iterations" if training_rows(progress) == "interval" else "an epoch"
    augmented = progress.recipe.crop != "none" or progress.recipe.flip != "none"
    return (
        f"{progress.data}{f' ({progress.note})' if progress.note else ''}; one run. Training: the "
        f"{'augmented ' if augmented else ''}batches as they ran, {each} for a point. Test: "
        f"evaluation mode{', averaged weights' if progress.recipe.ema is not None else ''}."
    )


def render(progress: Progress, status: str) -> dict[str, bytes | str]:
    """Return {"curves.png": …, "curves.svg": …}; nothing before anything was measured."""
    train, test = series(progress)
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
    axis.set_xlim(left=0)
    plotting.state(figure, statement(progress, status), note(progress))
    plotting.label_curves(axis)
    found = plotting.render(figure, f"Learning curves of {progress.name}")
    return {f"curves{suffix}": data for suffix, data in found.items()}

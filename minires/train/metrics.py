"""What a run reports while it goes on: rows for metrics.csv, running errors, evaluations."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

INTERVAL = 100  # iterations between two rows


@dataclass
class Row:
    """A line of metrics.csv.

    kind         "interval": over the batches since the row before of this kind (100, or fewer at
                 the end); "epoch": over the last epoch's worth of batches; "test": an evaluation
    iteration    steps taken
    epoch        passes through the training images, a fraction within one
    lr           the rate of the step to come
    train_loss   mean loss over these batches as they ran, in nats (with label smoothing, if any)
    train_error  share of their images that were misclassified, 0 to 1
    test_loss    mean cross-entropy of the test images, in evaluation mode
    test_error   share of the test images misclassified, 0 to 1
    seconds      since the training began, evaluations and all sessions included
    images_per_second  of training, since the row before
    """

    kind: str
    iteration: int
    epoch: float
    lr: float
    train_loss: float | None = None
    train_error: float | None = None
    test_loss: float | None = None
    test_error: float | None = None
    seconds: float = 0.0
    images_per_second: float | None = None


COLUMNS = [f.name for f in fields(Row)]


class Metrics:
    """The rows of a run, and the latest batches that running errors are made of."""

    def __init__(self, per_epoch: int) -> None:
        self.per_epoch = per_epoch
        self.rows: list[Row] = []
        self.recent: list[tuple[float, int, int]] = []  # loss, errors and images of each batch

    def add(self, loss: float, errors: int, images: int) -> None:
        """Take the numbers of one batch."""
        self.recent.append((loss, errors, images))
        keep = max(self.per_epoch, INTERVAL)
        if len(self.recent) > 2 * keep:
            del self.recent[:-keep]

    def running(self, batches: int) -> tuple[float | None, float | None]:
        """Return mean loss and error over the last batches, None without any."""
        last = self.recent[-batches:]
        images = sum(n for _, _, n in last)
        if not images:
            return None, None
        return (
            sum(loss * n for loss, _, n in last) / images,
            sum(errors for _, errors, _ in last) / images,
        )

    def last(self, kind: str) -> Row | None:
        """Return the latest row of a kind."""
        return next((row for row in reversed(self.rows) if row.kind == kind), None)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"rows": [asdict(row) for row in self.rows], "recent": self.recent}

    def load(self, state: dict[str, Any]) -> None:
        """Take over a `state`."""
        self.rows = [Row(**row) for row in state["rows"]]
        self.recent = [(loss, errors, images) for loss, errors, images in state["recent"]]

    def table(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [asdict(row) for row in self.rows]

"""Progress on a terminal: one line that is rewritten; elsewhere a line per epoch."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from typing import TYPE_CHECKING, TextIO

from .listener import Listener, Progress
from .metrics import Row

if TYPE_CHECKING:
    from .run import Run

REFRESH = 0.3  # s
QUIET = 60.0  # s between two lines where no terminal is


def duration(seconds: float) -> str:
    """Return "45 s", "12:05" (minutes) or "3:04:05" (hours)."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Telling:
    """Lines on standard error, or on another stream, the last of which may change on a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty()
        self._last = time.monotonic()
        self._shown = False

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._clear()
        self._write(text + "\n")

    def _change(self, text: str) -> None:
        room = shutil.get_terminal_size().columns - 1
        self._write(f"\r\x1b[K{text[:room]}")
        self._shown = True

    def _clear(self) -> None:
        if self._shown:
            self._write("\r\x1b[K")
            self._shown = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a log that is gone stops no work
            self.stream.write(text)
            self.stream.flush()


class Console(Telling, Listener):
    """Tells how a training goes on."""

    def begin(self, progress: Progress) -> None:
        where = f" from iteration {progress.iteration}" if progress.iteration else ""
        length = (
            f"{progress.iterations:,} iterations ({progress.iterations / progress.per_epoch:.4g} "
            "epochs)"
            if progress.iterations is not None
            else f"{progress.recipe.minutes:g} minutes"
        )
        note = f" ({progress.note})" if progress.note else ""
        self.say(f"{progress.name} on {progress.data}{note}: {length}{where}")
        if progress.done >= 1:
            self.say("it had finished: its results are written anew")
        elif self.terminal:  # until the first step is shown
            self._write("the first step: kernels that were never used here are compiled ...")
            self._shown = True
        self._last = time.monotonic()

    def step(self, progress: Progress) -> None:
        now = time.monotonic()
        if self.terminal and now - self._last >= REFRESH:
            self._last = now
            self._change(progress_line(progress))

    def row(self, progress: Progress, row: Row) -> None:
        now = time.monotonic()
        if row.kind == "test" and row.test_error is not None:
            self.say(f"{progress_line(progress)}  test error {100 * row.test_error:.2f} %")
        elif row.kind == "epoch" and not self.terminal and now - self._last >= QUIET:
            self.say(progress_line(progress))
        else:
            return
        self._last = now

    def end(self, progress: Progress, run: Run) -> None:
        self._clear()


def progress_line(progress: Progress) -> str:
    """Return where a training is, in one line."""
    share = f"{100 * progress.done:3.0f} %" if progress.done < 1 else "100 %"
    of = "" if progress.iterations is None else f"/{progress.iterations}"
    parts = [f"{share}  it {progress.iteration}{of}  epoch {progress.epoch:.1f}"]
    loss, error = progress.metrics.running(min(100, progress.per_epoch))
    if loss is not None and error is not None:
        parts.append(f"loss {loss:.3f}  error {100 * error:.1f} %")
    parts.append(f"lr {progress.lr:.3g}")
    if progress.images_per_second:
        parts.append(f"{progress.images_per_second:.0f} img/s")
    if progress.eta is not None and progress.done < 1:
        parts.append(f"ETA {duration(progress.eta)}")
    return "  ".join(parts)

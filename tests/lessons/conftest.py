"""What tests of lessons share: a folder and settings of their own, and what texts touch."""

import itertools

import pytest


@pytest.fixture(autouse=True)
def sandbox(tmp_path, monkeypatch):
    """Run in an empty folder, as a script without arguments, and with no setting of minires."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["lesson"])
    for name in ("FAST", "FULL", "OUT", "ANSWERS", "CHECK", "EXERCISE_SECONDS"):
        monkeypatch.delenv(f"MINIRES_{name}", raising=False)


@pytest.fixture(name="overlapping")
def _overlapping():
    return overlapping


def overlapping(figure):
    """Return the pairs of texts that touch, and the texts that leave the figure."""
    from matplotlib.axis import Tick
    from matplotlib.text import Text

    figure.draw_without_rendering()
    hidden = {label for t in figure.findobj(Tick) for label in (t.label1, t.label2)}
    for axis in (a for axes in figure.axes for a in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        shown = [*axis.get_major_ticks(), *axis.get_minor_ticks()]  # others are kept for later use
        hidden -= {t.label1 for t in shown if low <= t.get_loc() <= high}
    texts = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    boxes = [(t.get_text(), Text.get_window_extent(t)) for t in texts if t not in hidden]
    room = figure.bbox.padded(1)
    found = [a for a, box in boxes if not all(room.contains(*p) for p in (box.min, box.max))]
    pairs = itertools.combinations([(a, box.shrunk(0.95, 0.8)) for a, box in boxes], 2)
    return found + [(a, b) for (a, one), (b, two) in pairs if one.overlaps(two)]

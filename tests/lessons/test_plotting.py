"""Figures: nothing that is not finite is drawn as data, nothing overlaps, bytes are the data's."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires import plotting

X = np.arange(10.0)


def axis_of(log=""):
    figure, axes = plotting.new_figure(1, 1, 6, 4)
    plotting.label_axes(axes[0, 0], "layer", "norm", log)
    return figure, axes[0, 0]


def drawn(axis):
    """Return what the first curve shows, its band's (low, high), and where it ends in crosses."""
    band = axis.collections[0].get_paths()[0].vertices[:, 1] if axis.collections else None
    return axis.lines[0].get_ydata(), band, list(axis.lines[1].get_xdata())


def test_centre_and_band():
    ys = np.array([[1.0] * 10, [100.0] * 10])
    for centre, band, middle, low, high in (
        ("mean", "range", 50.5, 1, 100),
        ("median", "range", 50.5, 1, 100),
        ("geometric", "range", 10, 1, 100),
        ("mean", "deviation", 50.5, 50.5 - 99 / 2**0.5, 50.5 + 99 / 2**0.5),
        ("geometric", "deviation", 10, 10 / 100 ** (0.5**0.5), 10 * 100 ** (0.5**0.5)),
    ):
        _, axis = axis_of()
        plotting.band_curve(axis, X, ys, "a", "red", centre=centre, band=band)
        curve, edges, crosses = drawn(axis)
        np.testing.assert_allclose(curve, middle)
        np.testing.assert_allclose([edges.min(), edges.max()], [low, high])
        assert crosses == []


@pytest.mark.parametrize(
    ("bad", "log"),
    [(np.nan, ""), (np.inf, ""), (-np.inf, ""), (0.0, "y"), (-1.0, "y"), (1e-310, "y")],
)
def test_a_curve_stops_at_a_value_that_cannot_be_drawn(bad, log):
    ys = np.full((3, 10), 2.0)
    ys[1, 6:] = bad
    _, axis = axis_of(log)
    assert plotting.band_curve(axis, X, ys, "a", "red") == 4
    curve, _, crosses = drawn(axis)
    np.testing.assert_array_equal(np.isfinite(curve), X < 6)
    assert crosses == [5.0]


def test_no_seed_at_all_is_drawn_or_labelled():
    figure, axis = axis_of()
    assert plotting.band_curve(axis, X, np.full((2, 10), np.nan), "gone", "red") == 20
    plotting.label_curves(axis)
    assert [t.get_text() for t in axis.texts] == []
    figure.draw_without_rendering()


def test_one_seed_has_no_band():
    _, axis = axis_of("y")
    plotting.band_curve(axis, X, np.ones((1, 10)), "a", "red", band="deviation")
    assert not axis.collections
    assert "no spread" in plotting.spread_note(1)
    assert "3 seeds" in plotting.spread_note(3)
    assert plotting.spread_note(1, of="count").startswith("Counted")


def test_a_number_and_its_per_cent_stay_on_one_line():
    for length in range(40, 90):
        figure, _ = plotting.new_figure(1, 1, 7.2, 3)
        plotting.state(figure, "x" * length + " err on 33 % of all, and 5 % of others")
        assert "\n%" not in figure.get_suptitle()


def test_wrong_shapes_are_named():
    _, axis = axis_of()
    with pytest.raises(ValueError, match=r"plain-8.*\(10,\) and \(3, 9\)"):
        plotting.band_curve(axis, X, np.ones((3, 9)), "plain-8", "red")
    with pytest.raises(ValueError, match="geometric"):
        plotting.band_curve(axis, X, np.ones((3, 10)), "a", "red", centre="mode")


def test_bars_count_what_diverged():
    _, axis = axis_of()
    names, values = ["one", "two", "three"], [[1.0, 3.0], [2.0, None], [np.nan, np.inf]]
    assert plotting.bars(axis, names, values, ["red", "blue", "green"], "{:.1f} %") == 3
    assert [bar.get_width() for bar in axis.patches] == [2.0, 2.0]
    texts = [t.get_text() for t in axis.texts]
    assert texts == ["2.0 %", "2.0 % (1 of 2 not finite)", "(2 of 2 not finite)"]
    assert [t.get_text() for t in axis.get_yticklabels()] == names
    assert axis.get_ylim()[0] > axis.get_ylim()[1]  # top down


@given(st.lists(st.floats(-1, 2), min_size=1, max_size=12), st.floats(0.01, 0.2))
def test_labels_moved_apart_keep_order_distance_and_middle(places, gap):
    places = sorted(places)
    found = plotting.apart(places, gap)
    assert all(b - a >= gap * (1 - 1e-9) for a, b in itertools.pairwise(found))
    assert np.mean(found) == pytest.approx(np.mean(places), abs=1e-9)
    if all(b - a > gap for a, b in itertools.pairwise(places)):
        assert found == pytest.approx(places)


def example():
    figure, axis = axis_of("y")
    for i, name in enumerate(("plain-56", "plain-20", "residual-56", "residual-20")):
        ys = np.exp(-np.outer([0.1, 0.11], X) * (1 + i / 50))
        plotting.band_curve(axis, X, ys, name, plotting.COLOURS[i], centre="geometric")
    plotting.reference_line(axis, "theory", y=0.5)
    note = plotting.spread_note(2, "geometric")
    plotting.state(figure, "A statement so long that it needs more than one line here, " * 2, note)
    plotting.label_curves(axis)
    return figure


def test_labels_do_not_overlap_and_nothing_leaves_the_figure(overlapping):
    figure = example()
    assert overlapping(figure) == []


def test_same_data_same_bytes(tmp_path):
    first, second = (plotting.save_figure(example(), tmp_path / n, "title") for n in "ab")
    assert [p.suffix for p in first] == [".png", ".svg"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert ">plain-56<" in first[1].read_text(encoding="utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.svg", "b.png", "b.svg"]


def test_the_label_of_a_curve_that_ends_early_stands_at_its_end():
    figure, axes = plotting.new_figure(1, 1, 6, 4)
    axes[0, 0].plot([0, 10], [0, 1], label="whole")
    axes[0, 0].plot([0, 2], [0.5, 0.5], label="stopped")
    plotting.label_curves(axes[0, 0])
    figure.draw_without_rendering()
    at = {t.get_text(): t for t in axes[0, 0].texts}
    to_data = axes[0, 0].transData.inverted()
    x, _ = to_data.transform(at["stopped"].get_window_extent().min)
    assert 2 < x < 3
    assert at["stopped"].arrow_patch is None  # no line to where nothing was measured
    assert to_data.transform(at["whole"].get_window_extent().min)[0] > 10


@pytest.mark.parametrize(
    ("ends", "ticks"),
    [
        ((0.4, 1.1), ["0.4", "0.5", "0.6", "0.8", "1"]),
        ((0.04, 0.9), ["0.05", "0.1", "0.2", "0.5"]),
    ],
)
def test_a_short_logarithmic_axis_has_few_plain_numbers(ends, ticks):
    figure, axes = plotting.new_figure(1, 1, 4, 3)
    plotting.label_axes(axes[0, 0], "layer", "signal", "y")
    axes[0, 0].plot([0, 1], ends)
    axes[0, 0].set_ylim(ends)
    figure.draw_without_rendering()
    axis, (low, high) = axes[0, 0].yaxis, ends
    drawn = [t for t in axis.get_ticklabels() + axis.get_ticklabels(minor=True) if t.get_text()]
    shown = sorted((t.get_position()[1], t.get_text()) for t in drawn)
    assert [text for y, text in shown if low <= y <= high] == ticks


@pytest.mark.parametrize("letter", ["m", "i"])
def test_a_title_of_wide_letters_stays_within_the_figure(letter):
    figure, _ = plotting.new_figure(1, 1, 7.2, 3)
    narrow, wide = " ".join(["illi"] * 20), " ".join([letter * 6] * 8)
    plotting.state(figure, f"{narrow} {wide} {narrow}")
    figure.draw_without_rendering()
    assert figure._suptitle.get_window_extent().x1 <= figure.bbox.width

"""Designs: what a grid, random draws and a Latin hypercube promise, whatever the values are."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires import sweep
from minires.sweep.values import Listed, Range, parse

integers = st.integers(-1000, 1000)
numbers = st.floats(1e-6, 1e6)


def plan(setting, **keys):
    return sweep.plan({"task": "gradflow", "setting": setting, **keys})


# ---- ranges -------------------------------------------------------------------------------------
@given(integers, integers, st.integers(1, 40), st.booleans())
def test_points_of_a_range_of_integers(a, b, count, log):
    low, high = sorted((a, b))
    low, high = (max(low, 1), max(high, 1)) if log else (low, high)
    points = Range(low, high, log, integer=True).points(count).items
    assert all(isinstance(p, int) and low <= p <= high for p in points)
    assert list(points) == sorted(set(points))
    assert points[0] == low
    assert count == 1 or points[-1] == high
    assert len(points) <= count


@given(numbers, numbers, st.integers(2, 20))
def test_points_on_a_log_scale_have_equal_ratios(a, b, count):
    low, high = sorted((a, b))
    points = Range(low, high, log=True).points(count).items
    assert (points[0], points[-1]) == (low, high) or low == high
    ratio = (high / low) ** (1 / (count - 1))
    if ratio > 1.01:
        for before, after in itertools.pairwise(points):
            assert math.isclose(after / before, ratio, rel_tol=2e-3)  # four digits


@given(st.integers(1, 50), st.integers(0, 50), st.booleans())
def test_each_integer_of_a_range_can_be_drawn_and_no_other(low, length, log):
    whole = Range(low, low + length, log, integer=True)
    drawn = {whole.at(i / 20_000) for i in range(20_000)} | {whole.at(math.nextafter(1, 0))}
    assert drawn == set(range(low, low + length + 1))


@given(numbers, numbers, st.floats(0, 1, exclude_max=True), st.booleans())
def test_what_is_drawn_lies_in_the_range(a, b, u, log):
    low, high = sorted((a, b))
    assert low <= Range(low, high, log).at(u) <= high


@pytest.mark.parametrize(
    ("given", "default", "items"),
    [
        (3, 0, (3,)),
        ([1, 2], 0, (1, 2)),
        ([0, 10], [0], ([0, 10],)),  # one value, which is a list
        ([[0], [0, 10]], [0], ([0], [0, 10])),
        ({"from": 8, "to": 32, "step": 8}, 20, (8, 16, 24, 32)),
        ({"from": 0.1, "to": 0.5, "step": 0.1}, 1.0, (0.1, 0.2, 0.3, 0.4, 0.5)),
        ({"from": 0.001, "to": 1, "count": 4, "scale": "log"}, 0.1, (0.001, 0.01, 0.1, 1.0)),
        ({"from": 8, "to": 64, "count": 4, "scale": "log"}, 20, (8, 16, 32, 64)),
        ({"from": 1, "to": 2, "count": 3}, 0.5, (1.0, 1.5, 2.0)),  # no integers: the field is none
    ],
)
def test_what_values_of_a_file_stand_for(given, default, items):
    assert parse(given, default) == Listed(items)


# ---- designs ------------------------------------------------------------------------------------
def test_a_grid_is_every_combination_with_every_seed_once():
    drawn = plan({"depth": [4, 6], "norm": ["none", "bn"]}, seeds=3).jobs()
    found = [(j.setting["depth"], j.setting["norm"], j.seed) for j in drawn.jobs]
    assert found == [(d, n, s) for d in (4, 6) for n in ("none", "bn") for s in range(3)]
    assert len({j.key() for j in drawn.jobs}) == 12
    assert drawn.left_out() == []


@given(st.integers(1, 60), st.integers(0, 9), st.sampled_from([1, 2, 3, 5]))
def test_a_latin_hypercube_shares_each_range_evenly(samples, seed, names):
    norms = ["none", "bn"][:names]
    values = {"lr": {"from": 1.0, "to": 2.0}, "depth": [4, 6, 8], "norm": norms}
    of = plan(values, design="latin", samples=samples, draw_seed=seed)
    drawn = list(of.combinations())
    assert len(drawn) == samples
    cells = sorted(min(int((c["lr"] - 1) * samples + 1e-3 * samples), samples - 1) for c in drawn)
    assert all(
        abs(cell - i) <= 1 for i, cell in enumerate(cells)
    )  # four digits: a cell to the side
    for name, offered in (("depth", [4, 6, 8]), ("norm", norms)):
        counts = [sum(c[name] == value for c in drawn) for value in offered]
        assert max(counts) - min(counts) <= 2


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([0, 7]))
def test_more_random_samples_begin_with_the_fewer(few, more, seed):
    values = {"lr": {"from": 1e-3, "to": 1.0, "scale": "log"}, "depth": {"from": 1, "to": 99}}
    few, more = sorted((few, more))
    drawn = [
        list(plan(values, design="random", samples=n, draw_seed=seed).combinations())
        for n in (few, more)
    ]
    assert drawn[1][:few] == drawn[0]
    other = plan({**values, "norm": ["none", "bn"]}, design="random", samples=few, draw_seed=seed)
    assert [{**c, "norm": 0} for c in drawn[0]] == [{**c, "norm": 0} for c in other.combinations()]


def test_another_draw_seed_draws_others():
    values = {"lr": {"from": 0.1, "to": 1.0}}
    one, two = (
        list(plan(values, design="latin", samples=5, draw_seed=s).combinations()) for s in (0, 1)
    )
    assert one != two


# ---- what is left out ---------------------------------------------------------------------------
def test_impossible_combinations_are_left_out_and_counted_by_reason():
    drawn = plan({"arch": ["mlp", "conv"], "depth": [8, 10, 20], "skip": ["none", "identity"]})
    found = drawn.jobs()
    assert len(found.jobs) == 12 - 2
    assert not any(j.setting["arch"] == "conv" and j.setting["depth"] == 10 for j in found.jobs)
    (line,) = found.left_out()
    assert line == "2 impossible: depths: conv nets have 6n+2 layers (8, 14, 20, …)"


def test_excluded_combinations_match_every_field_of_a_rule():
    rules = [{"norm": "none", "depth": [6, 8]}, {"skip": "identity", "norm": "bn"}]
    setting = {"depth": [4, 6, 8], "norm": ["none", "bn"], "skip": ["none", "identity"]}
    found = plan(setting, exclude=rules).jobs()
    left = {(j.setting["depth"], j.setting["norm"], j.setting["skip"]) for j in found.jobs}
    assert left == {(4, "none", "none"), (4, "none", "identity")} | {
        (d, "bn", "none") for d in (4, 6, 8)
    }
    assert found.left_out() == ["7 excluded by the design"]


def test_the_same_setting_is_there_once():
    found = plan({"depth": [4], "width": [128], "lr": [1, 1.0001]}).jobs()
    assert len(found.jobs) == 2
    drawn = plan({"depth": {"from": 4, "to": 5}}, design="random", samples=20).jobs()
    assert {j.setting["depth"] for j in drawn.jobs} == {4, 5}
    assert len(drawn.jobs) == 2
    assert drawn.left_out() == ["18 the same as another"]


def test_a_design_that_is_too_large_says_so_at_once():
    fields = ("depth", "width", "batch_size")
    huge = plan({name: {"from": 4, "to": 4000, "step": 1} for name in fields})
    with pytest.raises(ValueError, match=r"63,8.* combinations, at most 1,000,000 can be run"):
        huge.jobs()

"""The degradation experiment: deeper plain nets train worse, their residual twins do not."""

import csv
import json

import pytest

from minires import degradation
from minires.experiments import figures, statements, tables

RECIPE = degradation.Recipe(epochs=8)  # of 20; with these, 0.068, 0.851, 0.031 and 0.043


@pytest.fixture(scope="module")
def curves():
    return degradation.run(depths=[6, 54], seeds=1, recipe=RECIPE)


def error(curves, skip, depth):
    (found,) = [c for c in curves if (c.setting.skip, c.setting.depth) == (skip, depth)]
    return found.final_error


def test_plain_nets_degrade_and_residual_nets_do_not(curves):
    assert error(curves, "none", 6) < 0.15
    assert 0.5 < error(curves, "none", 54) < 0.9
    assert error(curves, "identity", 6) < 0.1
    assert error(curves, "identity", 54) < 0.1


def test_degradation_is_not_overfitting(curves):
    (deep,) = [c for c in curves if (c.setting.skip, c.setting.depth) == ("none", 54)]
    assert deep.final_error > 0.5  # on the data it trains on


def test_same_seed_same_curve(curves):
    again = degradation.run(depths=[6], skips=["none"], seeds=1, recipe=RECIPE)
    assert again[0].losses == curves[0].losses


def test_divergence_is_recorded():
    recipe = degradation.Recipe(epochs=2, lr=1e8)
    curves = degradation.run(depths=[20], skips=["identity"], norm="none", seeds=1, recipe=recipe)
    assert curves[0].diverged_at is not None
    assert curves[0].final_error is None
    assert "diverged" in degradation.table(curves)
    assert json.loads(degradation.to_json(curves))["runs"][0]["train_error"] is None
    figures.error_by_depth(curves)
    figures.loss_curves(curves)


@pytest.mark.usefixtures("unrendered")
def test_save(curves, tmp_path):
    names = [p.name for p in degradation.save(curves, tmp_path)]
    assert names == [
        "degradation.png", "degradation.svg", "degradation-loss.png", "degradation-loss.svg",
        "curves.csv", "run.json",
    ]  # fmt: skip
    text = (tmp_path / "curves.csv").read_text(encoding="utf-8")
    table = list(csv.DictReader(text.splitlines()))
    assert len(table) == sum(len(c.losses) for c in curves)
    assert list(table[0]) == tables.curve_columns()
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert set(document["columns"]) == set(table[0])


def curve(skip, depth, error, seed=0):
    setting = degradation.Setting("mlp", depth, skip, "bn", "he", "relu", 64)
    ends = {"diverged_at": 3} if error is None else {}
    losses = [] if error is None else [2.0, error]
    return degradation.Curve(setting, seed, losses, losses, **ends)


@pytest.mark.parametrize(
    ("nets", "said"),
    [
        ([("none", 6, 0.01), ("none", 54, 0.77), ("identity", 6, 0.005), ("identity", 54, 0.004)],
         "From 6 to 54 layers the training error of plain nets rises from 1 to 77 %, that of "
         "residual nets stays below 1 %"),
        ([("none", 6, 0.5), ("none", 54, 0.2), ("identity", 6, None), ("identity", 54, None)],
         "From 6 to 54 layers the training error of plain nets falls from 50 to 20 %, residual "
         "nets diverge"),
        ([("none", 6, 0.01), ("identity", 6, 0.005), ("none", 18, 0.07)],  # Ctrl-C
         "With 6 layers the training error of plain nets is 1.0 %, that of residual nets is "
         "0.5 %, residual nets of 18 layers were not trained"),
        ([("none", 6, 0.01), ("none", 18, 0.07), ("none", 54, None),
          ("identity", 6, 0.005), ("identity", 18, 0.004), ("identity", 54, 0.004)],
         "From 6 to 18 layers the training error of plain nets rises from 1 to 7 %, that of "
         "residual nets stays below 1 %, plain nets of 54 layers diverge"),
        ([("none", 6, 0.01), ("none", 54, None), ("identity", 6, None), ("identity", 54, 0.004)],
         "The training error of plain nets of 6 layers is 1.0 %, that of residual nets of 54 "
         "layers is 0.4 %, plain nets of 54 layers diverge, residual nets of 6 layers diverge"),
        ([("none", 6, None)], "Plain nets diverge"),
        ([("none", 6, 0.01), ("none", 18, 0.2), ("none", 54, 0.01)],
         "From 6 to 54 layers the training error of plain nets lies between 1 and 20 %"),
        ([("identity", 6, 0.123)], "With 6 layers the training error of residual nets is 12.3 %"),
    ],
)  # fmt: skip
def test_the_statement_says_what_the_data_say(nets, said):
    assert statements.degradation_statement([curve(*net) for net in nets]) == said


@pytest.mark.parametrize(
    "nets",
    [
        [("none", 6, 0.01), ("none", 18, 0.07), ("none", 54, None),
         ("identity", 6, 0.005), ("identity", 18, 0.004), ("identity", 54, 0.004)],
        [("none", 6, None)],
    ],
    ids=["one diverges", "all diverge"],
)  # fmt: skip
def test_the_figure_has_the_statement_as_title_and_a_tick_for_each_depth(nets):
    found = [curve(*net) for net in nets]
    said = statements.degradation_statement(found)
    figure = figures.error_by_depth(found)
    title = figure.get_suptitle().replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ")
    assert title == said
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert ticks == [str(depth) for depth in sorted({net[1] for net in nets})]
    loss = figures.loss_curves(found)
    cuts = [text.get_text() for text in loss.axes[0].texts if "rate" in text.get_text()]
    assert cuts == ["rate / 10", "rate / 100"]


@pytest.mark.slow
def test_18_plain_layers_lose_little_and_108_everything():
    curves = degradation.run(depths=[18, 108], seeds=1)
    assert 0.02 < error(curves, "none", 18) < 0.15
    assert 0.8 < error(curves, "none", 108) < 0.95
    assert all(error(curves, "identity", depth) < 0.03 for depth in (18, 108))

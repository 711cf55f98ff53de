"""The main job: what it returns and writes, and what it answers to wrong input."""

import csv
import dataclasses
import json
import math
import re

import numpy as np
import pytest

from minires import gradflow, plotting
from minires.experiments import figures, heat, statements, tables
from minires.experiments import gradflow as measuring
from minires.record import LayerRecord


@pytest.fixture(scope="module")
def runs():
    return gradflow.run(depths=[8, 20], inits=["he", "xavier"], seeds=2, width=32, steps=[0, 3])


def test_one_run_per_net_seed_and_step(runs):
    assert len(runs) == 2 * 2 * 2 * 2 * 2 * 2  # depth, skip, norm, init, seed, step
    assert {r.step for r in runs} == {0, 3}
    for r in runs:
        # a stem (64 -> 32), the body, the head
        assert len(r.layers) == r.setting.depth + 2
        assert [layer.index for layer in r.layers] == list(range(len(r.layers)))
        assert len(r.blocks) == (r.setting.depth // 2 if r.setting.skip == "identity" else 0)


def test_same_arguments_same_bits(runs):
    again = gradflow.run(depths=[8, 20], inits=["he", "xavier"], seeds=2, width=32, steps=[0, 3])
    assert gradflow.to_json(again) == gradflow.to_json(runs)


def test_twins_start_with_the_same_weights(runs):
    for a in runs:
        for b in runs:
            keys = [(r.setting.depth, r.setting.norm, r.setting.init, r.seed) for r in (a, b)]
            if keys[0] == keys[1] and a.step == b.step == 0:
                assert [x.w_norm for x in a.layers] == [x.w_norm for x in b.layers]


def test_measuring_more_often_does_not_change_the_training(runs):
    often = gradflow.run(depths=[8], inits=["he"], seeds=1, width=32, steps=[0, 1, 2, 3])
    for r in often:
        twin = [x for x in runs if (x.setting, x.seed, x.step) == (r.setting, r.seed, r.step)]
        if twin:
            assert twin[0].loss == r.loss


def test_fit_recovers_a_known_factor_and_ignores_the_ends():
    layers = [LayerRecord(i, str(i), True, 1.0, 1.0, dx_norm=0.8 ** (30 - i)) for i in range(30)]
    layers[0].dx_norm, layers[-1].dx_norm = 1e9, 1e-9
    assert gradflow.fit_factor(layers) == pytest.approx(0.8)
    assert gradflow.fit_factor(layers[:2]) is None
    for layer in layers:
        layer.dx_norm = 0.0
    assert gradflow.fit_factor(layers) is None


@pytest.fixture(scope="module")
def few(runs):
    return [r for r in runs if r.setting.depth == 8 and r.setting.norm == "bn"]


@pytest.mark.usefixtures("unrendered")
def test_save_writes_a_figure_for_each_init_csv_and_json(few, tmp_path):
    folder = tmp_path / "new" / "folder"
    names = {p.name for p in gradflow.save(few, folder, {"depths": [8, 20]})}
    assert names == {
        "gradflow-he.png", "gradflow-he.svg", "gradflow-steps-he.png", "gradflow-steps-he.svg",
        "gradflow-xavier.png", "gradflow-xavier.svg",
        "gradflow-steps-xavier.png", "gradflow-steps-xavier.svg",
        "layers.csv", "blocks.csv", "run.json",
    }  # fmt: skip
    assert {p.name for p in folder.iterdir()} == names  # no temporary files
    document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert document["arguments"] == {"depths": [8, 20]}
    first = document["runs"][0]
    assert {"arch", "depth", "skip", "norm", "init", "activation", "seed", "dx_factor"} <= set(
        first
    )
    keys = {"index", "name", "forward_rms", "dx_norm", "dw_norm", "w_norm"}
    assert keys <= set(first["layers"][0])
    for name in ("layers.csv", "blocks.csv"):
        with open(folder / name, newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        assert set(table[0]) <= set(document["columns"])  # each column is explained
        how = [table[0][k] for k in ("data", "batch_size", "lr", "dtype")]
        assert how == ["digits", "128", "0.01", "float32"]
        if name == "layers.csv":
            assert len(table) == sum(len(r.layers) for r in few)
            assert float(table[0]["dx_norm"]) == few[0].layers[0].dx_norm
            assert list(table[0]) == tables.layer_columns()


def test_figures_are_byte_identical_and_those_of_an_earlier_run_go(few, tmp_path):
    he = [r for r in few if r.setting.init == "he"]
    gradflow.save(he, tmp_path)
    assert (tmp_path / "gradflow-steps.png").exists()
    (tmp_path / "gradflow-mine.png").write_text("mine", encoding="utf-8")
    untrained = [r for r in he if r.step == 0]
    first = [p.read_bytes() for p in gradflow.save(untrained, tmp_path)]
    assert not (tmp_path / "gradflow-steps.png").exists()
    assert (tmp_path / "gradflow-mine.png").exists()
    assert [p.read_bytes() for p in gradflow.save(untrained, tmp_path)] == first


def net(skip, slope, depth=20, norm="none", seed=0):
    """A made-up run in which ‖∂L/∂x‖ changes by `slope` decades a layer on the way back."""
    setting = gradflow.Setting("mlp", depth, skip, norm, "default", "relu", 16)
    layers = [
        LayerRecord(i, str(i), True, 1.0, 1.0, dx_norm=10 ** (slope * (depth + 1 - i)), dw_norm=1.0)
        for i in range(depth + 2)
    ]
    return gradflow.Run(setting, seed, 0, 1.0, 1.0, False, layers)


@pytest.mark.parametrize(
    ("nets", "said"),
    [
        ([("none", -1), ("identity", -0.1)],
         "20 plain layers lose 21 decades, their residual twins 2.1"),
        ([("none", 0), ("identity", 0.1)],
         "20 plain layers keep the gradient level, their residual twins gain 2.1 decades"),
        ([("none", 0), ("identity", 0)],
         "20 plain layers keep the gradient level, as do their residual twins"),
        ([("none", -400)], "20 plain layers lose all of the gradient"),
        ([("none", math.nan), ("identity", 0.3)],
         "20 plain layers overflow, their residual twins gain 6.3 decades"),
        ([("identity", -0.1), ("preact", -0.2)],
         "20 residual layers lose 2.1 decades, pre-act residual 4.2, plain ones were not measured"),
    ],
)  # fmt: skip
def test_the_statement_says_what_the_data_say(nets, said):
    runs = [net(skip, slope) for skip, slope in nets] + [net("none", -1, depth=8)]
    assert statements.gradflow_statement(runs, "default", "none") == said
    whole = said.replace(" decades", " decades of the gradient", 1)
    if "lose" in said.split(",")[0]:
        assert statements.gradflow_statement(runs, "default", "none", " of the gradient") == whole
    figure = figures.profile(runs)
    assert figure.get_suptitle().replace("\n", " ") in (said, whole)


def test_the_heat_map_states_what_training_changes():
    runs = []
    for step, slopes in ((0, (0, 0.1)), (5, (-0.5, 0.1))):
        for skip, slope in zip(("none", "identity"), slopes, strict=True):
            runs.append(dataclasses.replace(net(skip, slope), step=step))
    said = (
        "20 plain layers (no normalisation) keep the gradient level at step 0 and lose 10 decades "
        "at step 5"
    )
    assert statements.training_statement(runs) == said
    runs[2].layers.clear()
    figure = figures.heat_map(runs)
    assert "20 residual layers" in figure.get_suptitle()
    assert [axis.patch.get_hatch() for axis in figure.axes[:2]] == ["////"] * 2


def test_the_deepest_nets_have_colours_and_theory_is_drawn_as_far_as_the_data():
    runs = [net("none", -0.389, 20), net("identity", 0, 20), net("none", -0.389, 8)]
    runs[0].layers[0].dx_norm = 0.0
    (axis,) = figures.profile(runs).axes
    labels = {line.get_label(): line for line in axis.lines if line.get_label()[0] != "_"}
    assert set(labels) == {"plain, 20 layers", "residual, 20 layers", "theory: × 0.408 a layer"}
    assert labels["plain, 20 layers"].get_color() == plotting.PLAIN
    assert labels["residual, 20 layers"].get_color() == plotting.RESIDUAL
    theory = labels["theory: × 0.408 a layer"]
    assert list(theory.get_xdata()) == [1, 21]  # not to 22, where the gradient is 0
    assert math.log10(theory.get_ydata()[1]) == pytest.approx(-0.389 * 20, rel=1e-3)
    assert any("0 from here on" in text.get_text() for text in axis.texts)


def test_a_conv_nets_factor_is_fitted_in_each_stage():
    sizes = {"conv1": 1, "layer1": 6, "layer2": 6, "layer3": 6, "fc": 1}
    factors = {"layer1": 0.9, "layer2": 0.8, "layer3": 0.7}
    names = [f"{stage}.{i}" for stage, n in sizes.items() for i in range(n)]
    dx, layers = 1.0, []
    for i, name in reversed(list(enumerate(names))):
        dx *= factors.get(name.partition(".")[0], 1)
        dx *= 0.1 if name in ("layer2.0", "layer3.0") else 1  # where the maps shrink
        layers.insert(0, LayerRecord(i, name, True, 1.0, 1.0, dx_norm=dx))
    found = measuring.stage_factors(layers)
    assert found == {stage: pytest.approx(f) for stage, f in factors.items()}
    assert measuring.stage_factors(layers[:1]) == {}
    run = gradflow.Run(net("none", 0).setting, 0, 0, 1.0, 0.8, False, layers, stage_factors=found)
    assert "0.900 / 0.800 / 0.700" in gradflow.table([run])


def test_the_table_has_a_line_for_each_step_and_counts_all_layers(few):
    lines = gradflow.table(few).splitlines()
    assert len(lines) == 1 + 2 * 2 * 2  # skip, init, step
    cells = [line.split() for line in lines[1:]]
    assert [c[4] for c in cells[:2]] == ["0", "3"]
    assert {c[5] for c in cells} == {"10"}  # mlp-8: a stem, 8 hidden layers, a head


def test_an_experiment_is_one_value_or_its_fields():
    options = {"depths": [4], "norms": ["bn"], "seeds": [3], "width": 8}
    experiment = gradflow.Experiment("mlp", **options)
    assert gradflow.run(experiment) == gradflow.run("mlp", **options)
    with pytest.raises(TypeError, match="depth"):
        gradflow.run(depth=[8])


def test_whoever_stops_early_has_what_was_measured():
    experiment = gradflow.Experiment(depths=[4, 6], norms=["bn"], seeds=1, width=8)
    found = gradflow.stream(experiment)
    first = next(found)
    found.close()
    assert first == gradflow.run(experiment)[:1]


def test_divergence_is_recorded_and_not_drawn(tmp_path):
    runs = gradflow.run(depths=[40], skips=["identity"], norms=["none"], seeds=1, width=32, lr=1e6,
                        steps=[0, 1, 2, 3, 4])  # fmt: skip
    assert runs[-1].diverged
    assert runs[-1].dx_factor is None
    assert len(runs) < 5  # nothing is measured after that
    paths = gradflow.save(runs, tmp_path)
    document = json.loads(
        next(p for p in paths if p.name == "run.json").read_text(encoding="utf-8")
    )
    assert document["runs"][-1]["diverged"] is True
    for line in figures.profile(runs).axes[0].lines:
        assert np.isfinite(line.get_ydata()).all()
    assert "not finite" in gradflow.table(runs[-1:])


def test_a_net_that_diverges_between_two_measurements_has_no_ends(few):
    lost = dataclasses.replace(few[0], layers=[], blocks=[], diverged=True, loss=math.nan)
    assert all(map(math.isnan, lost.dx_ends()))
    assert math.isnan(lost.decades_lost())
    first, last = few[0].dx_ends()
    (line,) = gradflow.table([lost, few[0]]).splitlines()[1:]
    assert line.split()[6:8] == [f"{first:.2e}", f"{last:.2e}"]
    (line,) = gradflow.table([lost]).splitlines()[1:]
    assert line.split().count("nan") == 2


@pytest.mark.parametrize(
    "options",
    [{"steps": (0.5,)}, {"depths": (8.5,)}, {"depths": (True,)}, {"seeds": 1.5}, {"seeds": True}],
)
def test_counts_are_whole_numbers(options):
    with pytest.raises(TypeError, match=f"{next(iter(options))}: expected an integer"):
        gradflow.Experiment(**options)


def test_an_experiment_of_many_seeds_is_checked_without_making_its_jobs(monkeypatch):
    monkeypatch.setattr(gradflow.Experiment, "jobs", lambda _: pytest.fail("built"))
    assert gradflow.Experiment(seeds=np.int64(1_000_000)).seeds == 1_000_000
    with pytest.raises(ValueError, match="at most a million"):
        gradflow.Experiment(seeds=1_000_001)


def test_underflow_is_noted():
    runs = gradflow.run(depths=[100], skips=["none"], norms=["none"], seeds=1, width=16,
                        activation="sigmoid")  # fmt: skip
    assert any(layer.dx_norm == 0 for layer in runs[0].layers)
    assert runs[0].decades_lost() == math.inf
    assert "dx 0 in a layer" in gradflow.table(runs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arch": "rnn"}, "mlp, conv"),
        ({"depths": [7]}, "cannot be odd"),
        ({"depths": [0]}, "at least 1"),
        ({"arch": "conv", "depths": [9]}, "6n"),
        ({"skips": ["dense"]}, "identity"),
        ({"inits": []}, "at least one"),
        ({"steps": [-1]}, "at least 0"),
        ({"seeds": []}, "at least one"),
        ({"seeds": 0}, "at least 1"),
        ({"data": "imagenet"}, "digits"),
        ({"batch_size": 1500000}, "batch_size"),
        ({"lr": float("nan")}, "lr"),
        ({"dtype": "float16"}, "float32"),
        ({"width": 0}, "width"),
        ({"depths": []}, "at least one"),
        ({"norms": "bn"}, r"\['bn'\]"),
        ({"branch_scale": "big"}, "branch_scale"),
    ],
)
def test_wrong_arguments_say_what_is_offered(options, message):
    with pytest.raises(ValueError, match=message):
        gradflow.run(**options)


@pytest.mark.parametrize("arch_options", [{"arch": "conv", "norms": ["none", "bn"]}])
def test_conv_nets_also_without_normalisation(arch_options):
    runs = gradflow.run(depths=[8], seeds=1, data="synthetic", **arch_options)
    assert len(runs) == 4
    assert all(len(r.layers) == 8 and not r.diverged for r in runs)


def test_the_heat_map_names_what_diverged_and_what_training_leaves_as_it_is():
    runs = [
        dataclasses.replace(net(skip, slope), step=step)
        for step in (0, 5)
        for skip, slope in (("none", -0.5), ("identity", -0.1))
    ]
    said = "20 plain layers (no normalisation) lose 10 decades of the gradient, at step 0 as at "
    assert statements.training_statement(runs) == said + "step 5"
    runs[2].layers.clear()
    runs[2].diverged = True
    assert statements.training_statement(runs) == (
        "20 residual layers (no normalisation) lose 2.1 decades of the gradient, at step 0 as at "
        "step 5; diverged: plain (no normalisation)"
    )
    plain = figures.heat_map(runs).axes[0]
    assert plain.get_title("left").endswith("10 decades lost → diverged")
    assert [text.get_text() for text in plain.texts] == ["diverged at step 5"]


def test_a_curve_says_where_float32_ends():
    runs = [net("none", 0.1, 20), net("identity", 0.1, 20)]
    for layer in [*runs[0].layers[:5], *runs[1].layers]:
        layer.dx_norm = math.inf
    (axis,) = figures.profile(runs).axes
    said = [text.get_text() for text in axis.texts]
    assert "residual, 20 layers: not finite in float32" in said
    (text,) = (text for text in axis.texts if "overflows" in text.get_text())
    assert text.get_text() == "overflows float32 here"
    assert text.xy[0] == 22 - 5


@pytest.mark.parametrize("ends", [(-0.9, -0.1), (-2.3, -0.2), (-0.02, 0.01), (-9.0, 0.0), (0, 0)])
def test_the_numbers_beside_a_colour_bar_are_those_of_their_places(ends):
    figure = heat.of_training(np.linspace(*ends, 8).reshape(4, 2), [0, 10], [], "Title", "note")
    figure.canvas.draw()
    bar = figure.axes[-1]
    labels = [text.get_text() for text in bar.get_yticklabels()]
    assert len(labels) >= 3
    for at, label in zip(bar.get_yticks(), labels, strict=True):
        power = re.fullmatch(r"\$10\^\{(.+)\}\$", label)
        said = float(power[1]) if power else math.log10(float(label))
        assert said == pytest.approx(at, abs=1e-3)

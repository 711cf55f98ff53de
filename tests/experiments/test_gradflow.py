"""The main job: what it returns and writes, and what it answers to wrong input."""

import csv
import json
import math

import numpy as np
import pytest

from minires import gradflow
from minires.experiments import figures
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


def test_save_writes_figure_csv_and_json(runs, tmp_path):
    paths = gradflow.save(runs, tmp_path / "new" / "folder", {"depths": [8, 20]})
    names = {p.name for p in paths}
    assert names == {
        "gradflow-he.png", "gradflow-he.svg", "gradflow-steps-he.png", "gradflow-steps-he.svg",
        "gradflow-xavier.png", "gradflow-xavier.svg",
        "gradflow-steps-xavier.png", "gradflow-steps-xavier.svg",
        "layers.csv", "blocks.csv", "run.json",
    }  # fmt: skip
    assert {p.name for p in (tmp_path / "new" / "folder").iterdir()} == names  # no temporary files
    document = json.loads((tmp_path / "new" / "folder" / "run.json").read_text())
    assert document["arguments"] == {"depths": [8, 20]}
    first = document["runs"][0]
    assert {"arch", "depth", "skip", "norm", "init", "activation", "seed", "dx_factor"} <= set(
        first
    )
    keys = {"index", "name", "forward_rms", "dx_norm", "dw_norm", "w_norm"}
    assert keys <= set(first["layers"][0])
    with open(tmp_path / "new" / "folder" / "layers.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(table) == sum(len(r.layers) for r in runs)
    assert float(table[0]["dx_norm"]) == runs[0].layers[0].dx_norm


def test_figures_are_byte_identical_for_the_same_data(runs, tmp_path):
    first = [p.read_bytes() for p in gradflow.save(runs, tmp_path / "a")]
    second = [p.read_bytes() for p in gradflow.save(runs, tmp_path / "b")]
    assert first == second


def test_divergence_is_recorded_and_not_drawn(tmp_path):
    runs = gradflow.run(depths=[40], skips=["identity"], norms=["none"], seeds=1, width=32, lr=1e6,
                        steps=[0, 1, 2, 3, 4])  # fmt: skip
    assert runs[-1].diverged
    assert runs[-1].dx_factor is None
    assert len(runs) < 5  # nothing is measured after that
    paths = gradflow.save(runs, tmp_path)
    document = json.loads(next(p for p in paths if p.name == "run.json").read_text())
    assert document["runs"][-1]["diverged"] is True
    for line in figures.profile(runs).axes[0].lines:
        assert np.isfinite(line.get_ydata()).all()
    assert "not finite" in gradflow.table(runs[-1:])


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
        ({"depths": [0]}, "positive"),
        ({"arch": "conv", "depths": [9]}, "6n"),
        ({"arch": "conv", "skips": ["preact"]}, "preact"),
        ({"skips": ["dense"]}, "identity"),
        ({"inits": []}, "at least one"),
        ({"steps": [-1]}, "below 0"),
        ({"seeds": []}, "at least one"),
        ({"seeds": 0}, "at least one"),
        ({"data": "imagenet"}, "digits"),
        ({"batch_size": 1500000}, "batch_size"),
        ({"lr": float("nan")}, "lr"),
        ({"dtype": "float16"}, "float32"),
        ({"width": 0}, "width"),
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

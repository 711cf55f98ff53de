"""Theory of conv nets with zero padding, by stage, against measurements."""

import math

import numpy as np
import pytest

from minires import gradflow
from minires.experiments import fields


def setting(depth=32, norm="none", init="he", activation="relu", **options):
    options = {"arch": "conv", "skip": "none", "width": 16} | options
    return gradflow.Setting(depth=depth, norm=norm, init=init, activation=activation, **options)


def test_two_by_two_maps_keep_four_ninths_and_large_ones_everything():
    assert fields.stage_factors(setting())["layer3"] == pytest.approx(math.sqrt(4 / 9))
    large = fields.stage_factors(setting(56), size=256)
    assert large["layer1"] == pytest.approx(1, abs=0.003)
    factors = [fields.stage_factors(setting(32, "bn"), size=n)["layer1"] for n in (8, 16)]
    assert factors == sorted(factors)  # towards that of maps without a border
    assert factors[1] == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=0.01)


def test_border_sums_are_those_of_a_convolution_and_of_its_transpose():
    e = np.random.default_rng(0).random((6, 6))
    ones = np.array([[e[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].sum() for j in range(6)]
                     for i in range(6)])  # fmt: skip
    np.testing.assert_allclose(fields._windows(e), ones)
    np.testing.assert_allclose(fields._windows(e, 2), ones[::2, ::2])
    small = np.random.default_rng(1).random((3, 3))
    assert (fields._windows(e, 2) * small).sum() == pytest.approx(
        (e * fields._back(small, 2, 6)).sum()
    )


@pytest.mark.parametrize(
    ("norm", "init", "activation"),
    [
        ("none", "he", "relu"),
        ("none", "xavier", "leaky_relu"),
        ("bn", "default", "relu"),
        ("ln", "he", "relu"),
    ],
)
def test_factors_of_the_stages_are_those_measured(norm, init, activation):
    runs = gradflow.run("conv", [32], ["none"], [norm], [init], activation, 3, width=16)
    predicted = fields.stage_factors(runs[0].setting)
    for stage, expected in predicted.items():
        found = [r.stage_factors[stage] for r in runs]
        spread = np.std(found, ddof=1) / math.sqrt(3)
        assert np.mean(found) == pytest.approx(expected, abs=3 * spread + 0.02 * expected), stage


def test_there_is_no_theory_where_there_is_none():
    assert fields.stage_factors(setting(skip="identity")) is None
    assert fields.stage_factors(setting(activation="tanh")) is None
    assert fields.stage_factors(setting(8)) is None  # two layers a stage: nothing to fit


def test_the_table_shows_a_prediction_for_each_stage():
    runs = gradflow.run("conv", [32], ["none"], ["none"], ["he"], "relu", 1, width=4)
    assert "0.959 / 0.873 / 0.667" in gradflow.table(runs)

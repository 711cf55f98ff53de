"""One point of the explorable, and theory's profiles beside it."""

import json
import math

import numpy as np
import pytest

from minires.experiments import profile, theory
from minires.experiments.explorable import MOST_LAYERS, Point, measure
from minires.experiments.settings import Setting


def test_the_twins_have_one_start_and_only_one_has_skips():
    found = measure({"depth": 8, "init": "he", "width": 32})
    plain, residual = found["plain"], found["residual"]
    assert plain["layer"] == list(range(10))
    assert residual["layer"] == [0, 1, 3, 5, 7, 9]
    assert plain["x"][:2] == residual["x"][:2]  # the stem is the same
    assert residual["x"][-1] > 2 * plain["x"][-1]
    json.dumps(found, allow_nan=False)


def test_what_is_no_number_has_a_name():
    dead = measure({"depth": 60, "activation": "sigmoid", "width": 8})["plain"]
    assert dead["dx"][0] == 0
    wild = measure({"depth": 400, "init": "identity", "norm": "bn", "width": 8})
    values = [v for net in (wild["plain"], wild["residual"]) for v in net["dx"]]
    assert all(isinstance(v, str) or math.isfinite(v) for v in values)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"order": "2015"}, "order: expected original or preact"),
        ({"depth": MOST_LAYERS + 2}, f"depth: expected 2 to {MOST_LAYERS}"),
        ({"depth": 9}, "cannot be odd"),
        ({"init": "glorot"}, "init: expected one of"),
    ],
)
def test_what_is_not_offered_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        measure({"width": 8, **wrong})


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("init", ["he", "xavier", "default"])
def test_the_profile_of_a_plain_net_has_the_factor_of_theory(activation, init):
    setting = Setting("mlp", 50, "none", "none", init, activation, 128)
    found = profile.predict(setting, 128, 1.0)
    lo, hi = theory.middle(50)
    middle = (found.dx[lo] / found.dx[hi]) ** (1 / (hi - lo))
    assert found.dx[-1] == 1
    assert middle == pytest.approx(found.factor, rel=0.01)
    assert found.factor == setting.theory(128)


def test_the_profile_of_branches_grows_per_block():
    setting = Setting("mlp", 8, "preact", "none", "he", "relu", 128)
    found = profile.predict(setting, 128, 2.0)
    np.testing.assert_allclose(found.signal, 2 * 2 ** (np.arange(4) / 2))
    np.testing.assert_allclose(found.dx, 2 ** (np.arange(4)[::-1] / 2))


@pytest.mark.parametrize("skip", ["identity", "preact"])
@pytest.mark.parametrize("norm", ["none", "bn"])
def test_branches_that_start_at_0_have_a_factor_of_exactly_1(skip, norm):
    order = {"identity": "original", "preact": "preact"}[skip]
    point = {"depth": 20, "norm": norm, "order": order, "branch": "skipinit", "width": 16}
    found = measure(point)["residual"]
    assert found["factor"] == pytest.approx(1, abs=1e-6)
    assert found["theory"]["factor"] == 1
    assert set(found["dw"][1:-1]) == {0}


def test_theory_lies_on_what_is_measured():
    for point in ({}, {"init": "he", "norm": "bn"}, {"init": "he", "order": "preact"}):
        for net in (measure(Point(**point).__dict__)[kind] for kind in ("plain", "residual")):
            if net["theory"]["factor"] is None:
                continue
            body = slice(1, len(net["theory"]["layer"]) + 1)
            assert net["layer"][body] == net["theory"]["layer"]
            for key in ("x", "dx"):
                off = np.log10(np.array(net[key][body]) / np.array(net["theory"][key]))
                assert np.abs(off).max() < 0.8, (point, key)

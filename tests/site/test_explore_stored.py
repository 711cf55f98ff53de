"""The stored runs of the explorable are those of the engine, complete, small, and near theory."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from minires.experiments.explorable import measure

FOLDER = Path(__file__).parents[2] / "lessons/site/explore"
STORED = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("stored/*.json")}


@pytest.fixture(scope="module")
def store():
    spec = importlib.util.spec_from_file_location("explore_store", FOLDER / "store.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def levels(series):
    """Undo the differences; None where there is no number."""
    total, found = 0, []
    for step in series:
        total += step if isinstance(step, int) else 0
        found.append(total if isinstance(step, int) else None)
    return np.array(found, float)


def test_the_stored_runs_are_those_of_the_engine(store):
    point = {"depth": 8, "init": "default", "norm": "none"}
    nets = [measure(point | {"seed": seed}) for seed in store.SEEDS]
    stored = STORED["relu"]["nets"]
    for kind, name in (("plain", "plain"), ("residual", "original/1")):
        again = store.summary([n[kind] for n in nets], formulas := [])
        found = stored[f"8/default/none/{name}"]
        for key in ("x", "dx", "dw"):  # another BLAS rounds otherwise
            off = levels(again[key]["m"]) - levels(found[key]["m"])
            assert np.abs(off).max() <= 1, (name, key)
        assert again["factor"] == pytest.approx(found["factor"], abs=2e-3)
        assert formulas[0] == STORED["relu"]["formulas"][found["formula"]]


def test_the_whole_grid_is_stored_and_small(store):
    size = sum(path.stat().st_size for path in FOLDER.glob("stored/*.json"))
    assert size < 600_000
    for activation in store.ACTIVATIONS:
        assert set(STORED[activation]["nets"]) == {name for name, _ in store.points(activation)}
        assert STORED[activation]["about"]["axes"]["depth"] == list(store.DEPTHS)


def test_stored_factors_agree_with_theory():
    compared = 0
    for activation, file in STORED.items():
        for name, net in file["nets"].items():
            depth = int(name.partition("/")[0])
            if depth < 20 or "theory" not in net or "factor" not in net:
                continue
            measured, predicted = net["factor"][0], net["theory"]["factor"]
            assert measured == pytest.approx(predicted, rel=0.025), (activation, name)
            compared += 1
    assert compared > 150

"""Training for some steps, with records before some of them."""

import numpy as np
import pytest

from minires.experiments import training
from minires.experiments.degradation import Recipe
from minires.experiments.settings import Setting

NET = Setting("mlp", 2, "none", "none", "he", "relu", 4)
FLAT = Recipe(batch_size=500, milestones=(), lr=0.1)


def test_a_row_of_the_curve_is_the_mean_since_the_row_before():
    single, double = (training.train(NET, 0, FLAT, n).curve for n in (100, 101))
    assert [row["step"] for row in single] == list(range(1, 101))
    assert [row["step"] for row in double] == [*range(2, 101, 2), 101]
    for name in ("loss", "error"):
        steps = [row[name] for row in single]
        pairs = np.mean([steps[0::2], steps[1::2]], axis=0)
        np.testing.assert_allclose([row[name] for row in double[:-1]], pairs, rtol=1e-12)


def test_the_final_errors_are_of_the_last_epoch_and_the_test_images():
    found = training.train(NET, 0, FLAT, 5)  # an epoch has three batches
    assert found.train_error == pytest.approx(np.mean([r["error"] for r in found.curve[-3:]]))
    assert found.train_loss == pytest.approx(np.mean([r["loss"] for r in found.curve[-3:]]))
    assert 0 < found.test_error < 1


@pytest.mark.parametrize("data", ["digits", "synthetic"])
@pytest.mark.parametrize("arch", ["mlp", "conv"])
def test_records_are_those_asked_for_and_change_nothing(data, arch):
    net = Setting(arch, 8, "identity", "bn", "he", "relu", 2)
    with_records = training.train(net, 1, FLAT, 3, [2, 0, 2], data)
    without = training.train(net, 1, FLAT, 3, [], data)
    assert [r.step for r in with_records.records] == [0, 2]
    assert all(r.layers and r.blocks for r in with_records.records)
    assert with_records.curve == without.curve
    assert with_records.test_error == without.test_error


def test_what_diverged_has_no_errors_and_says_where():
    found = training.train(NET, 0, Recipe(batch_size=500, lr=1e30), 9, [0, 8])
    assert found.diverged_at is not None
    assert (found.train_loss, found.train_error, found.test_error) == (None, None, None)
    assert len(found.curve) == found.diverged_at
    assert found.records[0].step == 0

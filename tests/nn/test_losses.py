"""Losses: label smoothing, labels that are ignored, reductions, and what is refused."""

import copy
import pickle

import numpy as np
import pytest

import minires.functional as F
from minires import Tensor, nn, use_backend

BACKENDS = ("reference", "cpu", "cuda-sim")


def draw(n=6, c=4, seed=0):
    rng = np.random.default_rng(seed)
    return Tensor(rng.standard_normal((n, c)), requires_grad=True), rng.integers(0, c, n)


@pytest.mark.parametrize("backend", BACKENDS)
def test_label_smoothing_is_a_mixture_with_the_mean_over_classes(backend):
    x, y = draw()
    with use_backend(backend):
        smoothed = F.cross_entropy(x, y, label_smoothing=0.3).item()
        plain = F.cross_entropy(x, y).item()
    uniform = -F.log_softmax(x).data.mean()
    assert smoothed == pytest.approx(0.7 * plain + 0.3 * uniform, rel=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ignored_rows_count_for_nothing(backend):
    x, y = draw()
    y[[1, 4]] = -100
    kept = y >= 0
    with use_backend(backend):
        F.cross_entropy(x, y, label_smoothing=0.1).backward()
        few = Tensor(x.data[kept], requires_grad=True)
        loss = F.cross_entropy(few, y[kept], label_smoothing=0.1)
        loss.backward()
        np.testing.assert_allclose(x.grad[kept], few.grad, rtol=1e-12)
        assert (x.grad[~kept] == 0).all()
        assert F.cross_entropy(x, y, label_smoothing=0.1).item() == pytest.approx(loss.item())
        losses = F.cross_entropy(x, y, reduction="none").data
        assert (losses[~kept] == 0).all()
        assert (losses[kept] > 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_ignored_row_hides_even_nan(backend):
    x, y = draw(3)
    x.data[1], y[1] = np.nan, -100
    with use_backend(backend):
        loss = F.cross_entropy(x, y)
        loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(x.grad).all()


def test_a_mean_of_nothing_is_refused_and_a_sum_is_zero():
    x, y = draw()
    y[:] = 7
    with pytest.raises(ValueError, match=r"all 6 labels are ignore_index \(7\).*reduction=\"sum\""):
        F.cross_entropy(x, y, ignore_index=7)
    assert F.cross_entropy(x, y, "sum", ignore_index=7).item() == 0


def test_the_module_takes_the_options():
    loss = nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=2, reduction="sum")
    assert repr(loss) == ("CrossEntropyLoss(reduction='sum', label_smoothing=0.1, ignore_index=2)")
    assert repr(nn.CrossEntropyLoss()) == "CrossEntropyLoss()"
    assert repr(nn.MSELoss("none")) == "MSELoss(reduction='none')"
    x, y = draw()
    expected = F.cross_entropy(x, y, "sum", 0.1, 2).item()
    for module in (loss, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert module(x, y).item() == expected
    assert nn.MSELoss("none")(x, x).shape == x.shape


@pytest.mark.parametrize("make", [nn.CrossEntropyLoss, nn.MSELoss])
def test_an_unknown_reduction_is_refused(make):
    with pytest.raises(ValueError, match="expected 'mean', 'sum' or 'none', got 'average'"):
        make(reduction="average")


def test_wrong_options_are_refused():
    x, y = draw()
    with pytest.raises(ValueError, match="label_smoothing: expected a share from 0 to 1, got 2"):
        F.cross_entropy(x, y, label_smoothing=2)
    with pytest.raises(ValueError, match="label_smoothing"):
        nn.CrossEntropyLoss(label_smoothing=-0.1)
    with pytest.raises(TypeError, match="ignore_index: expected an integer"):
        nn.CrossEntropyLoss(ignore_index=0.5)
    y[2] = -1
    with pytest.raises(ValueError, match=r"target\[2\] is -1.* and ignore_index is -100"):
        F.cross_entropy(x, y)

"""Data: the embedded digits, the loader's order, synthetic images."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

from minires import data


def pickled(value, protocol):
    return pickle.loads(pickle.dumps(value, protocol))


def nearest_neighbour_error(d):
    a, b = d.x_train.reshape(1500, 64), d.x_test.reshape(297, 64)
    distance = (b**2).sum(1)[:, None] - 2 * b @ a.T + (a**2).sum(1)
    return float((d.y_train[distance.argmin(1)] != d.y_test).mean())


def test_digits_are_all_there_and_standardised():
    d = data.load_digits()
    assert d.x_train.shape == (1500, 1, 8, 8)
    assert d.x_test.shape == (297, 1, 8, 8)
    assert d.x_train.dtype == np.float32
    assert d.x_train.mean() == pytest.approx(0, abs=1e-5)
    assert d.x_train.std() == pytest.approx(1, abs=1e-5)
    counts = np.bincount(np.concatenate([d.y_train, d.y_test]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_what_the_docstring_says_of_the_splits():
    assert nearest_neighbour_error(data.load_digits()) == pytest.approx(0.054, abs=0.001)
    shuffled = [nearest_neighbour_error(data.load_digits("shuffled", s)) for s in range(10)]
    assert np.mean(shuffled) == pytest.approx(0.012, abs=0.001)
    with pytest.raises(ValueError, match="'ordered' or 'shuffled'"):
        data.load_digits("random")


def test_loader_order_depends_on_seed_and_epoch_alone():
    x, y = np.arange(10), np.arange(10)

    def epochs(seed, n=2):
        loader = data.DataLoader(x, y, batch_size=4, seed=seed)
        return [[b.tolist() for b, _ in loader] for _ in range(n)]

    np.random.default_rng().random()
    assert epochs(0) == epochs(0)
    assert epochs(0) != epochs(1)
    first, second = epochs(0)
    assert first != second
    assert sorted(i for batch in first for i in batch) == list(range(10))
    assert [len(b) for b in first] == [4, 4, 2]
    loader = data.DataLoader(x, y, batch_size=4, shuffle=False, drop_last=True)
    assert [b.tolist() for b, _ in loader] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert len(loader) == 2
    for xb, yb in data.DataLoader(x, y, 3):
        assert np.array_equal(xb, yb)


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"batch_size": 11, "drop_last": True}, {"seed": -1}]
)
def test_loader_refuses(options):
    with pytest.raises(ValueError, match=r"expected|larger"):
        data.DataLoader(np.arange(10), np.arange(10), **options)
    with pytest.raises(ValueError, match="as many labels"):
        data.DataLoader(np.arange(3), np.arange(2))


def test_synthetic_images_are_reproducible_and_learnable():
    x, y = data.synthetic_images(500, seed=1)
    again, _ = data.synthetic_images(500, seed=1)
    assert np.array_equal(x, again)
    assert x.shape == (500, 1, 8, 8)
    assert x.std() == pytest.approx(1, rel=1e-4)
    spectrum = np.abs(np.fft.fft2(x[:, 0])).reshape(500, 64)  # the phase drops out
    a, b = spectrum[:400], spectrum[400:]
    distance = (b**2).sum(1)[:, None] - 2 * b @ a.T + (a**2).sum(1)
    assert (y[:400][distance.argmin(1)] == y[400:]).mean() > 0.5
    with pytest.raises(ValueError, match="size"):
        data.synthetic_images(5, size=1)


@pytest.mark.parametrize(
    "pack",
    [copy.copy, copy.deepcopy, *(partial(pickled, protocol=n) for n in range(2, 6))],
)
def test_a_loader_goes_on_from_a_copy_in_the_middle_of_an_epoch(pack):
    x = np.arange(10)
    loader = data.DataLoader(x, x, batch_size=3, seed=1)
    list(loader)
    epoch = iter(loader)
    next(epoch)
    loader_too, epoch_too = pack(loader), pack(epoch)
    rest = [b.tolist() for b, _ in epoch]
    assert len(rest) == 3
    assert [b.tolist() for b, _ in epoch_too] == rest
    assert next(epoch_too, None) is None
    following = [b.tolist() for b, _ in loader]
    assert [b.tolist() for b, _ in loader_too] == following
    assert loader.epoch == loader_too.epoch == 3

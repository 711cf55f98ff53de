"""Batches: the same bits for any number of workers and any start; threads that end."""

import numpy as np
import pytest

from minires import data


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (37, 12, 10, 3), dtype=np.uint8)
    return data.Images(x, rng.integers(0, 4, 37), tuple("abcd"))


def loader(images, **options):
    options = {"augment": data.Augment(cutout=3), "normalise": data.Normalise.of(images)} | options
    return data.ImageLoader(images, 8, **options)


def gathered(batches):
    xs, ys = zip(*batches)
    return np.concatenate(xs), np.concatenate(ys)


def test_batches_depend_on_seed_and_epoch_alone(images):
    x, y = gathered(loader(images, workers=0).batches(2))
    for workers, prefetch in ((1, 1), (1, 5), (4, 2)):
        x2, y2 = gathered(loader(images, workers=workers, prefetch=prefetch).batches(2))
        assert np.array_equal(x, x2)
        assert np.array_equal(y, y2)
    assert not np.array_equal(x, gathered(loader(images).batches(3))[0])
    assert not np.array_equal(x, gathered(loader(images, seed=1).batches(2))[0])
    rest, labels = gathered(loader(images, workers=2).batches(2, first=3))
    assert np.array_equal(rest, x[24:])
    assert np.array_equal(labels, y[24:])
    assert list(loader(images).batches(2, first=5)) == []

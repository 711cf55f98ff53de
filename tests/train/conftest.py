import numpy as np
import pytest

from minires import models
from minires.data import Images
from minires.train import Recipe, curves


def images(n, split, seed=0):
    """Small pictures whose class is where they are bright; written as a data set would be."""
    rng = np.random.default_rng((seed, split == "test"))
    y = rng.integers(0, 3, n)
    x = rng.integers(0, 120, (n, 8, 8, 3), dtype=np.uint8)
    for i, k in enumerate(y):
        x[i, 2 * k : 2 * k + 3] += 100
    return Images(x, y, ("top", "middle", "bottom"), "tiny", split, "made for a test")


@pytest.fixture(scope="session")
def tiny():
    return images(100, "train"), images(40, "test")


@pytest.fixture
def recipe():
    return Recipe(batch_size=16, iterations=30, lr=0.05, pad=1, weight_decay=1e-3)


def net(seed=0, **options):
    return models.resnet(8, width=4, num_classes=3, seed=seed, **options)


@pytest.fixture
def no_curves(monkeypatch):
    """Drawing takes longer than these trainings; the commands' tests look at what is drawn."""
    monkeypatch.setattr(curves, "render", lambda progress, status: {})

"""CIFAR: every layout gives the same images; what is partial, corrupt or hostile is refused."""

import pickle

import numpy as np
import pytest

from minires import data
from tests.data import generated


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("cifar10", generated.cifar10_binary),
        ("cifar10", generated.cifar10_archive),
        ("cifar10", generated.cifar_pickles),
        ("cifar100", generated.cifar100_binary),
        ("cifar100", lambda root: generated.cifar_pickles(root, "cifar100")),
        ("cifar10", lambda root: generated.cifar_pickles(root, protocol=4)),
    ],
)
def test_every_layout_gives_the_images(tmp_path, name, write):
    truth = write(tmp_path)
    for split, (x, y) in truth.items():
        got = data.load(name, split, tmp_path)
        assert np.array_equal(got.x, x)
        assert np.array_equal(got.y, y)
        assert got.y.dtype == np.int64
        assert (got.name, got.split, len(got.classes)) == (
            name,
            split,
            10 if name[5:] == "10" else 100,
        )
        assert "differ from the official" in got.note
        assert f"{len(x):,} of" in got.note


def test_batches_as_python_2_wrote_them_are_read(tmp_path):
    truth = generated.cifar_pickles(tmp_path, n=300)
    raw = generated.python2_batch(*truth["test"])
    assert np.array_equal(pickle.loads(raw, encoding="bytes")[b"labels"], truth["test"][1])
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(raw)
    got = data.load("cifar10", "test", tmp_path)
    assert np.array_equal(got.x, truth["test"][0])
    assert np.array_equal(got.y, truth["test"][1])

"""The nets of the family against their PyTorch twins, directly or by golden files that are current.

"Relative" is max |a - b| / max |b|, of gradients and statistics the worst array's. In float32 a
training step is held to PyTorch's own distance from float64, times the price of Winograd's products
(seen: up to 7). Plain nets of 44 layers and more amplify rounding until nothing is left of it: the
logits of plain110 in training are off by half in both.
"""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import torch_twins  # noqa: E402
from family import CASES, FILES, SIZES, errors, ours, probes, relative  # noqa: E402
from test_golden import FOLDER, LOGITS, expected  # noqa: E402

from minires import models  # noqa: E402

pytestmark = pytest.mark.torch
SOME = ("resnet20", "plain20", "resnet20 preact", "resnet18 odd", "resnet50", "densenet40")
ALL = CASES | SIZES
KEPT, IN_FLOAT64, IN_FLOAT32 = (
    [pytest.param(n, marks=[] if n in SOME else [pytest.mark.slow]) for n in names]
    for names in (
        CASES,  # in files, which test_golden.py holds all of our nets to
        [n for n in ALL if n in SOME or n in SIZES],
        [n for n in ALL if n in SOME or not ALL[n].slow],
    )
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The nets are so small that threads would mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@functools.cache
def theirs(name, dtype="float64"):
    return torch_twins.theirs(ALL[name], dtype)


@pytest.mark.parametrize("name", IN_FLOAT64)
def test_in_float64(name):
    case = ALL[name]
    found = errors(ours(case), theirs(name))
    assert found.pop("logits") < LOGITS["float64"]
    for part, error in found.items():
        assert error < case.tolerance, part


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_in_float32(name):
    case = ALL[name]
    truth = theirs(name)
    found, own = errors(ours(case, "float32"), truth), errors(theirs(name, "float32"), truth)
    assert found["logits"] < LOGITS["float32"]
    assert found["logits_train"] < max(1e-5, 20 * own["logits_train"])
    assert found["loss"] < max(1e-5, 20 * own["logits_train"])  # its own error may be small by luck
    assert found["statistics"] < max(1e-5, 20 * own["statistics"])
    if own["gradients"] < 1e-5:  # no activation sits on a kink
        assert found["gradients"] < 1e-4


def test_every_net_that_has_a_name_is_compared():
    assert {case.net for case in ALL.values()} == set(models.names())


@pytest.mark.parametrize("name", KEPT)
def test_the_golden_files_are_current(name):
    case, golden = CASES[name], expected(name)
    found = theirs(name)
    assert relative(golden["logits"], found.logits) < 1e-12
    assert relative(golden["logits_train"], found.logits_train) < case.tolerance
    for part in ("gradients", "statistics"):
        now = probes(getattr(found, part))
        assert now.shape == golden[part].shape
        if now.size:
            assert np.abs(now - golden[part]).max() < case.tolerance * np.abs(now).max()


def test_the_golden_files_are_of_pytorch_2_13():
    for file in FILES:
        with np.load(FOLDER / f"{file}.npz") as archive:
            assert str(archive["torch"]).startswith("2.13")

"""Every net of the family against what PyTorch computed, from files: no PyTorch is needed here.

`make_golden.py` wrote them; "relative" is max |a - b| / max |b| of an array, as in `family`.
"""

from pathlib import Path

import numpy as np
import pytest
from family import CASES, FILES, ours, probe_error, relative

FOLDER = Path(__file__).parent / "golden"
LOGITS = {"float64": 1e-10, "float32": 1e-5}
EVERY = [
    pytest.param(name, marks=[pytest.mark.slow] if case.slow else [])
    for name, case in CASES.items()
]

IN_FLOAT32 = [  # half of them: the kernels that they share have tests in both types
    pytest.param(name, marks=[pytest.mark.slow] * (i % 2))
    for i, name in enumerate(name for name, case in CASES.items() if not case.slow)
]


def expected(name):
    (file,) = (file for file, cases in FILES.items() if name in cases)
    with np.load(FOLDER / f"{file}.npz", allow_pickle=False) as archive:
        prefix = f"{name}/"
        return {key.removeprefix(prefix): archive[key] for key in archive if key.startswith(prefix)}


@pytest.mark.parametrize("name", EVERY)
def test_logits_loss_gradients_and_statistics_in_float64(name):
    found, golden, tolerance = ours(CASES[name]), expected(name), CASES[name].tolerance
    assert relative(found.logits, golden["logits"]) < LOGITS["float64"]
    assert relative(found.logits_train, golden["logits_train"]) < tolerance
    assert relative(found.loss, golden["loss"]) < tolerance
    assert probe_error(found.gradients, golden["gradients"]) < tolerance
    assert probe_error(found.statistics, golden["statistics"]) < tolerance


@pytest.mark.parametrize("name", IN_FLOAT32)
def test_logits_in_float32(name):
    found, golden = ours(CASES[name], "float32"), expected(name)
    assert found.logits.dtype == golden["logits32"].dtype == np.float32
    assert relative(found.logits, golden["logits32"]) < LOGITS["float32"]
    assert relative(found.logits, golden["logits"]) < LOGITS["float32"]


@pytest.mark.parametrize("name", ["resnet20", "resnet20 preact B", "resnet18 odd", "resnet50"])
def test_the_plain_versions_of_the_kernels_agree_too(name):
    found, golden = ours(CASES[name], backend="reference"), expected(name)
    assert relative(found.logits, golden["logits"]) < LOGITS["float64"]
    assert probe_error(found.gradients, golden["gradients"]) < 1e-10


def test_the_files_are_small_and_hold_what_is_tested():
    files = list(FOLDER.glob("*.npz"))
    assert {file.stem for file in files} == set(FILES)
    assert sum(file.stat().st_size for file in files) < 300_000
    for name in CASES:
        assert len(expected(name)) == 6

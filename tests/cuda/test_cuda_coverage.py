"""Every line of every .cu file runs, without a GPU: in the emulator, counted line by line.

`pytest -m slow -s tests/cuda/test_cuda_coverage.py` prints which kernels, versions and cases ran.
"""

import numpy as np
import pytest

from cuda_cases import VERSIONS, runs, worst_error
from minires_emulator import coverage
from minires_kernels.cuda import conv2d
from minires_kernels.cuda.kernels import UNITS
from minires_kernels.cuda_sim import DEVICE, KERNELS, updates

FILES = {unit.file for unit in UNITS} | {
    "common.cuh",
    "conv2d.cuh",
    "conv2d_tile.cuh",
    "mma.cuh",
}
SMALL = 60_000  # elements of the largest argument, because this mode is slow


def run_everything(dtype):
    """Run all versions on all cases forward and backward; return {(kernel, version): cases}."""
    ran = {}
    for name, number in VERSIONS:
        for version, spec, case, i in runs(name, number, dtype):
            if max(a.size for a in case.arrays if a is not None) <= SMALL:
                worst_error(version, spec, case, i, dtype)
                ran[name, number] = ran.get((name, number), 0) + 1
    return ran


def run_steps_in_place(dtype):
    """Run SGD, sums and running statistics."""
    a, b = np.ones((2, 300), dtype)
    updates.add(a, b)
    updates.add(a, b, owned=True)
    for options in ((0.1, 0.9, 0.1, 0.01, 0.0), (0.1, 0.9, 0.0, 0.0, 1.0), (0.1, 0, 0, 0, 0)):
        given = np.array(options, dtype)
        updates.sgd(a, b, a.copy(), False, given)
        updates.sgd_many([(a.copy(), b, a.copy(), i % 2 == 0) for i in range(11)], given)
    updates.running_statistics(a, a.copy(), b, b.copy(), 8, 0.1)


def run_what_only_a_gpu_would(dtype):
    """Labels out of range, which the public edge refuses for NumPy arrays."""
    for version in KERNELS["cross_entropy"]:
        _, *saved = version.forward(np.ones((3, 4), dtype), np.array([0, 4, -1]))
        version.backward(np.ones(3, dtype), *saved)


@pytest.mark.slow
def test_every_line_of_every_cuda_file_runs(monkeypatch):
    monkeypatch.setattr(DEVICE, "_modules", {})  # the report is about these runs alone
    monkeypatch.setattr(DEVICE, "_kernels", {})
    with coverage() as lines:
        ran = run_everything("float32")
        run_steps_in_place("float32")
        run_what_only_a_gpu_would("float32")
        monkeypatch.setattr(conv2d, "MANY_BLOCKS", 1)  # the largest tiles, too
        for number in (3, 4):
            for version, spec, case, i in runs("conv2d", number, "float32"):
                if case.label == "stage 3":
                    worst_error(version, spec, case, i, "float32")
    print(f"\n{'kernel':20} version  cases")
    for (name, number), cases in ran.items():
        print(f"{name:20} v{number:<6}  {cases}")
    print(f"\n{'file':20} lines run, of those with code")
    for file in sorted(lines):
        print(f"{file:20} {sum(n > 0 for n in lines[file].values())} of {len(lines[file])}")
    assert set(ran) == set(VERSIONS)
    assert set(lines) == FILES
    left_out = {f"{file}:{line}" for file in lines for line, n in lines[file].items() if n == 0}
    assert not left_out

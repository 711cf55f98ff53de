"""Stepping through: every kernel as plain Python."""

import os
import subprocess
import sys

from minires_kernels import specs

SPECS = [name for name, spec in specs().items() if spec.gradients]


def test_everything_runs_without_compilation():
    """NUMBA_DISABLE_JIT=1 lets a reader step through; one example of every kernel and version."""
    code = """
import numpy as np
from minires_kernels import kernel, specs
from minires_kernels.backends import load
for name, spec in specs().items():
    if not spec.gradients:
        continue
    for version in load("cpu").KERNELS[name]:
        labels = {"conv2d": ["", "", "", "3×3, whole tiles of Winograd"],
                  "conv2d_norm_relu": ["", "whole tiles, residual"]}.get(name)
        winograd = labels[version.number - 1] if labels else ""
        all_cases = spec.cases(np.random.default_rng(0))
        case = next(c for c in all_cases if c.label == (winograd or c.label))
        dtype, slack = ("float32", 1e-3) if winograd else ("float64", 1e-9)
        got = []
        reference = kernel(name, "reference", 2 if winograd and name == "conv2d" else 1)
        for k in (reference, kernel(name, "cpu", version.number)):
            y, *saved = k.forward(*case.astype(dtype), **case.options)
            gradients = k.backward(np.ones_like(y), *saved)
            got.append((y, *(gradients if isinstance(gradients, tuple) else (gradients,))))
        for a, b in zip(*got):
            np.testing.assert_allclose(a, b, rtol=slack, atol=slack)
    print(name)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "MINIRES_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == SPECS

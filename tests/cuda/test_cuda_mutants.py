"""Broken versions of the CUDA kernels, each of which check mode or the numbers must catch.

Plain comparison of numbers would miss many: a guard that is gone reads a neighbour's memory, and a
missing barrier may be harmless in the order in which threads happen to run.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from cuda_cases import SPECS, cases, supported, worst_error
from minires_emulator import KernelFault, RawModule, check
from minires_kernels.cuda.kernels import kernels_on
from minires_kernels.cuda.machine.device import Device, source


@dataclass(frozen=True)
class Mutant:
    """An edit of a source, the version of a kernel that runs it, and what is expected to notice.

    `case` is a part of the label of the case that is run; `nth` says which occurrence is edited.
    """

    what: str
    kernel: str
    version: int
    old: str
    new: str
    caught: str
    case: str = ""
    nth: int = 0


RACE, OUTSIDE, WRONG = "race", "out-of-bounds", "numbers"
MUTANTS = (
    # missing barriers
    Mutant("block_sum: warps' sums are read before they are there", "batch_norm", 2,
           "    __syncthreads();\n    T sum = 0;", "    T sum = 0;", RACE),
    Mutant("block_sum: an earlier call is still being read", "batch_norm", 2,
           "__syncthreads();                                      // an earlier call", "//", RACE),
    Mutant("matmul v2: tiles used before they are complete", "linear", 2,
           "__syncthreads();                      // the tiles are complete", "", RACE),
    Mutant("matmul v2: tiles overwritten while they are used", "linear", 2,
           "__syncthreads();                      // and may be overwritten", "", RACE,
           case="beyond a tile"),
    Mutant("matmul v3: no barrier between steps", "linear", 3,
           "// nobody reads that one now\n        __syncthreads();", "", RACE,
           case="beyond a tile"),
    Mutant("column sums: read before the other rows are done", "linear", 2,
           "    partial[ty][tx] = sum;\n    __syncthreads();", "    partial[ty][tx] = sum;", RACE),
    Mutant("conv v2: no barrier after loading", "conv2d", 2,
           "__syncthreads();                                      // the tiles are complete", "",
           RACE),
    Mutant("conv v3: no barrier between steps", "conv2d", 3,
           "// nobody reads that one now\n        __syncthreads();", "", RACE),
    Mutant("conv v3: the tile in use is overwritten", "conv2d", 3,
           "if (r < g.R) store(buffer ^ 1);", "if (r < g.R) store(buffer);", RACE),
    Mutant("conv v4: no barrier before the first product", "conv2d", 4,
           "        store(0);\n    }\n    __syncthreads();", "        store(0);\n    }", RACE),
    # missing guards
    Mutant("relu v1: no guard", "relu", 1, "if (i < n) y[i] =", "y[i] =", OUTSIDE),
    Mutant("relu v2: the tail in full", "relu", 2, "if (i + 4 <= n) {", "if (i < n) {", OUTSIDE,
           case="(7,)"),
    Mutant("batch norm v1: threads beyond the channels", "batch_norm", 1,
           "    if (c >= s.C) return;\n", "", OUTSIDE),
    Mutant("batch norm v3: values beyond the channel", "batch_norm", 3,
           "if (i < M) f(", "if (true) f(", OUTSIDE),
    Mutant("conv v1: no left edge", "conv2d", 1,
           "if (column < 0 || column >= g.W) continue;", "if (column >= g.W) continue;", OUTSIDE,
           case="same size"),
    Mutant("conv v2: rows beyond the filters are fetched", "conv2d", 2,
           "as[ty][tx] = i < M && k0 + tx < K", "as[ty][tx] = k0 + tx < K", OUTSIDE),
    Mutant("conv v3: channels beyond the group, times weights of 0", "conv2d", 3,
           "inside && d + d0 + l * STEP < g.depth", "inside", OUTSIDE, case="odd channels"),
    Mutant("conv v3: results of pixels beyond the last", "conv2d", 3,
           "if (p >= pixels) continue;", "", OUTSIDE),
    Mutant("conv v3: results of channels beyond the group", "conv2d", 3,
           "if (m >= g.rows) continue;", "", OUTSIDE),
    Mutant("conv v3: no bottom edge", "conv2d", 3,
           "const bool inside = h >= 0 && h < g.in_H &&", "const bool inside = h >= 0 &&", OUTSIDE,
           case="stage 1"),
    Mutant("dw v3: pixels of the next part", "conv2d", 3,
           "const bool inside = e < end &&", "const bool inside =", OUTSIDE),
    Mutant("max pool: no right edge", "max_pool2d", 1,
           "if (column < 0 || column >= w.W) continue;", "if (column < 0) continue;", OUTSIDE,
           case="padding"),
    Mutant("cross entropy: a row too many", "cross_entropy", 1, "    if (n >= N) return;\n", "",
           OUTSIDE),
    # several writers
    Mutant("batch norm v2: every thread writes the mean", "batch_norm", 2,
           "if (threadIdx.x == 0) {\n        mean[c] = mu;", "if (true) {\n        mean[c] = mu;",
           RACE),
    Mutant("batch norm v3: every chunk writes the mean", "batch_norm", 3,
           "if (blockIdx.x == 0 && threadIdx.x == 0) {\n        mean[",
           "if (threadIdx.x == 0) {\n        mean[", RACE, case="two chunks"),
    Mutant("dw v3: all parts in one place", "conv2d", 3,
           "parts[((long long)part * g.K + group", "parts[((long long)0 * g.K + group", RACE,
           case="many pixels"),
    # off by one, and wrong numbers
    Mutant("warp sum: one step too few", "batch_norm", 2, "for (int d = 1; d < 32; d *= 2) x +=",
           "for (int d = 1; d < 16; d *= 2) x +=", WRONG),
    Mutant("shared array too small", "linear", 2, "__shared__ T partial[8][32];",
           "__shared__ T partial[7][32];", OUTSIDE),
    Mutant("conv v2: a sum that begins with the second tile", "conv2d", 2,
           "(int k0 = 0; k0 < K; k0 += TILE)", "(int k0 = TILE; k0 < K; k0 += TILE)", WRONG),
    Mutant("max pool backward: the neighbour's winner", "max_pool2d", 1,
           "const long long o = first + (long long)p * w.Q + q;",
           "const long long o = first + (long long)p * w.Q + q + 1;", OUTSIDE),
    Mutant("mma: columns of a fragment exchanged", "conv2d", 4,
           "const int column = 2 * t + e % 2;", "const int column = 2 * t + 1 - e % 2;", WRONG),
    Mutant("an input is written", "relu", 1, "if (i < n) y[i] = positive(x[i]);",
           "if (i < n) y[i] = positive(x[i]), const_cast<T*>(x)[i] = T(0);", "const"),
    # barriers that not all threads reach
    Mutant("matmul v2: threads outside leave before the barrier", "linear", 2,
           "    T sum = 0;\n    for (int k0 = 0; k0 < p.K; k0 += 16) {",
           "    T sum = 0;\n    if (i >= p.M) return;\n    for (int k0 = 0; k0 < p.K; k0 += 16) {",
           "divergent"),
)  # fmt: skip


def mutated(mutant):
    """Return a class like RawModule whose sources have the edit, if they hold the edited text.

    Only the kernels that are launched are compiled, each in a module of its own.
    """
    edited = []

    class Module:
        def __init__(self, code, options, name_expressions):
            pieces = code.split(mutant.old)
            if len(pieces) > 1:
                n = mutant.nth + 1
                code = mutant.old.join(pieces[:n]) + mutant.new + mutant.old.join(pieces[n:])
                edited.append(True)
            self.code, self.options = code, options

        def get_function(self, name):
            module = RawModule(code=self.code, options=self.options, name_expressions=(name,))
            return module.get_function(name)

    return Module, edited


def outcome(mutant, module):
    """Run the version on a case in check mode: return "passes", "numbers", or the fault's text."""
    (version,) = [
        v for v in kernels_on(Device(np, module))[mutant.kernel] if v.number == mutant.version
    ]
    spec, dtype = SPECS[mutant.kernel], "float32"
    for i, case in enumerate(cases(mutant.kernel)):
        if mutant.case not in case.label or not supported(version, spec, case, dtype):
            continue
        try:
            with check():
                worst = worst_error(version, spec, case, i, dtype)
        except KernelFault as fault:
            return str(fault)
        if not worst <= 10 * spec.tolerance[dtype] * version.tolerance:
            return WRONG
    return "passes"


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=[m.what for m in MUTANTS])
def test_every_mutant_is_caught(mutant):
    module, edited = mutated(mutant)
    found = outcome(mutant, module)
    assert edited, "the text that this mutant edits is no longer in the source"
    assert mutant.caught in found, found


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "version"), sorted({(m.kernel, m.version) for m in MUTANTS}))
def test_the_kernels_as_they_are_pass(kernel, version):
    assert outcome(Mutant("none", kernel, version, "", "", ""), RawModule) == "passes"


def test_sources_hold_what_mutants_edit():
    everything = "".join(source(f"{file}.cu") for file in (
        "relu", "linear", "batch_norm", "batch_norm_split", "max_pool2d", "cross_entropy",
        "conv2d_v1", "conv2d_v2", "conv2d_v3", "conv2d_v4",
    ))  # fmt: skip
    assert all(m.old in everything for m in MUTANTS)

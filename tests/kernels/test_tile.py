"""The register tile: its shape, and the machine code of the loops that use it."""

import itertools
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from minires_kernels.cpu.machine import tile, vector_width
from minires_kernels.cpu.machine.jit import jit
from minires_kernels.cpu.machine.simd import lanes, load_if, store_if
from minires_kernels.cpu.machine.tile import (
    fill_tile,
    looked_up,
    multiply_add,
    spaced,
    store_tile,
    tile_for,
)

ARM = "aarch64-unknown-linux-gnu"
COMPILE = """
import re
import numpy as np
import llvmlite.binding as llvm
from numba.core.caching import NullCache
from minires_kernels import kernel
from minires_kernels.cpu.conv2d import few_pixels, v3_tile, v3_weights
from minires_kernels.cpu.machine import tile

tile.REGISTERS = {registers}
loops = (v3_tile._gather, v3_weights._sums, few_pixels._product)
functions = [loop.launch for loop in loops]  # with all that they call
for function in functions:
    function._cache = NullCache()  # code from a cache comes without its assembly
k = kernel("conv2d", "cpu", 3)
y, *saved = k.forward(np.ones((2, 8, 9, 9), "f"), np.ones(({filters}, 8, 3, 3), "f"), None)
k.backward(y, *saved, needs=(False, True, False))
y, *saved = k.forward(np.ones((2, 64, 4, 4), "f"), np.ones((128, 64, 3, 3), "f"), None, padding=1)
k.backward(y, *saved)
for function in functions:
    for signature, text in function.inspect_llvm().items():
        if not {triple!r}:
            print(function.inspect_asm()[signature])
            continue
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        text = text.replace(llvm.get_process_triple(), {triple!r})
        # What counts references, and what waits, is x86's own.
        text = re.sub("(tail )?call i8 @llvm.x86.atomic.*", "add i8 0, 0", text)
        text = re.sub("(tail )?call void @llvm.x86.sse2.pause.*", "", text)
        machine = llvm.Target.from_triple({triple!r}).create_target_machine(opt=3)
        print(machine.emit_assembly(llvm.parse_assembly(text)))
    print("next function")
"""


def innermost_loops(assembly):
    """Return the lines between a label and a jump back to it, with no other label between."""
    label, start, loops = None, 0, []
    lines = assembly.splitlines()
    for i, line in enumerate(lines):
        if found := re.match(r"(\.LBB\w+):", line):
            label, start = found[1], i
        elif label is not None and re.search(rf"\s{re.escape(label)}$", line):
            loops.append(lines[start : i + 1])
    return loops


def sums_loops(assembly):
    """Return (multiply-adds, accesses of registers on the stack) of each loop over products."""
    found = []
    for lines in innermost_loops(assembly):
        fused = [line for line in lines if re.search(r"vfmadd\w*ps|fmla\b", line)]
        stack = [line for line in lines if re.search(r"mm\d.*%rsp|%rsp.*mm\d|\bq\d.*\bsp", line)]
        apart = [line for line in lines if re.search(r"v?(mul|add)ps\b|\bf(mul|add)\b", line)]
        if len(fused) >= 8:
            found.append((len(fused), len(stack) + len(apart)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cpu", "registers", "triple", "filters", "products"),
    [
        ("haswell", 16, "", 64, [6 * 2, 6 * 2, 6 * 2]),
        ("skylake-avx512", 32, "", 64, [8 * 2, 8 * 2, 8 * 2]),
        ("skylake-avx512", 32, "", 512, [6 * 4, 8 * 2, 8 * 2]),
        ("nehalem", 32, ARM, 64, [8 * 2, 8 * 2, 8 * 2]),  # its lanes, ARM's registers
        ("nehalem", 32, ARM, 512, [6 * 4, 8 * 2, 8 * 2]),
    ],
)
def test_sums_stay_in_registers(cpu, registers, triple, filters, products):
    """In the loops over products there are fused multiply-adds, all of a tile, and no spill."""
    env = os.environ | {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""}
    code = COMPILE.format(registers=registers, triple=triple, filters=filters)
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 0, done.stderr
    for assembly, of_a_tile in zip(done.stdout.split("next function\n"), products, strict=False):
        loops = sums_loops(assembly)
        assert loops
        for fused, others in loops:
            assert fused % of_a_tile == 0
            assert others == 0


def test_a_tile_fits_the_registers(monkeypatch):
    shapes = {}
    for registers, width in ((16, 16), (16, 32), (32, 16), (32, 64)):
        monkeypatch.setattr(tile, "REGISTERS", registers)
        monkeypatch.setattr(tile, "VECTOR_BYTES", width)
        for filters, fewest_loads in itertools.product(range(1, 200), (False, True)):
            rows, columns = (len(t) for t in tile_for.__wrapped__(filters, 4, fewest_loads))
            assert rows * columns + columns + 1 <= registers
            shapes[registers, width, filters, fewest_loads] = rows, columns
    for loads in (False, True):
        assert shapes[16, 32, 64, loads] == shapes[16, 32, 16, loads] == (6, 2)  # AVX2
        assert shapes[16, 32, 24, loads] == (4, 3)
        assert shapes[32, 64, 64, loads] == ((6, 4) if loads else (8, 2))  # AVX-512
        assert shapes[32, 64, 16, loads] == (8, 1)  # one register is all


@jit
def _product(a, b, y, table, shape):
    """y = 1 + (rows of a that the table names) @ b, in a tile."""
    rows, columns = shape
    sums = fill_tile(y, rows, columns, 1)
    starts = looked_up(rows, table, 0, 2)
    width = b.size // 5
    for j in range(5):
        sums = multiply_add(sums, a, starts, j, b, columns, j * width)
    store_tile(y, spaced(rows, 0, width), columns, sums)


def test_operations_of_a_tile():
    """Rows beyond the table repeat its last; each sum is of its own row and column."""
    for filters in (vector_width.VECTOR_BYTES // 4, 64):
        shape = tile_for(filters, 4)
        width = shape.width(4)
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((4, 5), np.float32), rng.standard_normal((5, width), np.float32)
        y = np.zeros((shape.height, width), np.float32)
        table = np.array([10, 0, 15], np.int64)
        _product(a.reshape(-1), b.reshape(-1), y.reshape(-1), table, shape)
        expected = 1 + a[[2, 0, 3] + [3] * (shape.height - 3)] @ b
        np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@jit
def _move(x, y, read, written, aside):
    for i in range(4):
        o = i * lanes(x)
        store_if(y, o, load_if(x, o, read & 1 << i) + 1, written & 1 << i, aside)


def test_what_lies_outside_reads_as_zero_and_is_written_aside():
    n = vector_width.VECTOR_BYTES // 4
    x = np.arange(2, 2 + 4 * n, dtype=np.float32).reshape(4, n)
    y, aside = np.full((4, n), -1, np.float32), np.full(n, -1, np.float32)
    _move(x.reshape(-1), y.reshape(-1), 0b1100, 0b0101, aside)
    np.testing.assert_array_equal(y, [[1] * n, [-1] * n, x[2] + 1, [-1] * n])
    np.testing.assert_array_equal(aside, x[3] + 1)

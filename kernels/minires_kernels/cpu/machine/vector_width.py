"""The width of this processor's vector registers: 64 bytes (AVX-512), 32 (AVX2) or 16 (SSE, NEON).

A tile that is too wide for the processor is split over several registers and spills into memory:
16 lanes on a processor with AVX2 ran at 0.4 of the speed of 8. So the compiler itself is asked: a
64-byte sum is compiled for the processor that Numba compiles for (this one, or NUMBA_CPU_NAME), and
the registers in its assembly tell.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from numba.core.registry import cpu_target

_SUM = """
define void @sum(<16 x float>* %a) {
    %x = load <16 x float>, <16 x float>* %a
    %y = fadd <16 x float> %x, %x
    store <16 x float> %y, <16 x float>* %a
    ret void
}
"""


def vector_bytes(triple: str, cpu: str, features: str) -> int:
    """Return the bytes of a vector register of a processor."""
    target: Any = llvm.Target.from_triple(triple)
    machine = target.create_target_machine(cpu=cpu, features=features, opt=2)
    assembly = machine.emit_assembly(llvm.parse_assembly(_SUM))
    return 64 if "zmm" in assembly else 32 if "ymm" in assembly else 16


def registers(triple: str, cpu: str, features: str) -> int:
    """Return how many vector registers a processor has: ARM 32, x86 as many only with AVX-512."""
    arm = triple.startswith(("aarch64", "arm64"))
    return 32 if arm or vector_bytes(triple, cpu, features) == 64 else 16


_PROCESSOR = cpu_target.target_context.codegen().magic_tuple()
VECTOR_BYTES = vector_bytes(*_PROCESSOR)
REGISTERS = registers(*_PROCESSOR)

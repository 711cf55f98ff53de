"""`ElementwiseKernel`: CuPy's, for what computes each element from those at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import specs
from .arguments import Array
from .module import RawKernel, RawModule

THREADS = 128


class ElementwiseKernel:
    """A kernel from one C++ statement or several, with types and shapes that follow the arguments.

        relu_backward = ElementwiseKernel(
            "T y, T dy", "T dx", "dx = y > 0 ? dy : T(0)", "relu_backward"
        )
        dx = relu_backward(y, dy)

    Parameters are written as in specs.py; `i` is the element's number. Arrays are broadcast, except
    `raw` ones, which the code indexes itself. Reports call the file of `operation` by `name`.
    """

    def __init__(
        self,
        in_params: str,
        out_params: str,
        operation: str,
        name: str = "kernel",
        *,
        preamble: str = "",
        options: Sequence[str] = (),
    ) -> None:
        self.ins, self.outs = specs.parse(in_params), specs.parse(out_params)
        if not self.outs:
            raise ValueError(f"{name}: there must be an output")
        self.name, self.operation = specs.check_name(name), operation
        self.preamble, self.options = preamble, tuple(options)
        self._kernels: dict[tuple[tuple[str, str], ...], RawKernel] = {}

    def __call__(self, *args: Any, size: int | None = None) -> Any:
        """Compute the outputs, new ones or those given after the inputs; one array, or a tuple.

        `size` is the number of elements where all arrays are raw. TypeError or ValueError for
        arguments that do not fit.
        """
        n_in, n_out = len(self.ins), len(self.outs)
        if len(args) not in (n_in, n_in + n_out):
            raise TypeError(
                f"{self.name}: expected {n_in} inputs, or {n_in + n_out} with outputs, "
                f"got {len(args)}"
            )
        given_outs = args[n_in:]
        params = (*self.ins, *self.outs)
        types = specs.resolve(params, args, self.name)
        if missing := {p.type for p in params if len(p.type) == 1} - types.keys():
            raise TypeError(f"{self.name}: no argument tells the type {', '.join(sorted(missing))}")
        ins = [specs.as_array(p, a, types, self.name) for p, a in zip(self.ins, args)]
        shape = self._shape(ins, given_outs, size)
        outs = given_outs or [self._output(p, shape, types) for p in self.outs]
        n = int(np.prod(shape)) if size is None else size
        if n > 0:
            self._run(types, ins, outs, shape, n)
        return outs[0] if n_out == 1 else tuple(outs)

    def _shape(
        self, ins: Sequence[Array], outs: Sequence[Any], size: int | None
    ) -> tuple[int, ...]:
        broadcast = [a.shape for p, a in zip(self.ins, ins) if not p.raw]
        for p, a in zip(self.outs, outs):
            if not isinstance(a, np.ndarray):
                raise TypeError(f"{self.name}: output {p.name} must be an array, got {a!r}")
        fixed = [(p, a) for p, a in zip(self.outs, outs) if not p.raw]
        if size is not None:
            if broadcast or fixed or not outs:
                raise ValueError(
                    f"{self.name}: size is for kernels whose arrays are all raw and given"
                )
            if isinstance(size, bool) or not isinstance(size, int) or size < 0:
                raise ValueError(f"{self.name}: size must be a number of elements, got {size!r}")
            return ()
        if not broadcast and not fixed:
            raise ValueError(f"{self.name}: all arrays are raw; say how many elements with size=")
        shape = np.broadcast_shapes(*broadcast) if broadcast else fixed[0][1].shape
        for p, a in fixed:
            if a.shape != shape:
                raise ValueError(
                    f"{self.name}: output {p.name} must have shape {shape}, got {a.shape}"
                )
        return shape

    def _output(self, p: specs.Param, shape: tuple[int, ...], types: specs.Types) -> Array:
        if p.raw:
            raise TypeError(f"{self.name}: the raw output {p.name} has to be given")
        return np.empty(shape, p.dtype(types))

    def _run(
        self,
        types: specs.Types,
        ins: Sequence[Array],
        outs: Sequence[Array],
        shape: tuple[int, ...],
        n: int,
    ) -> None:
        read = [
            np.ascontiguousarray(a if p.raw else np.broadcast_to(a, shape))
            for p, a in zip(self.ins, ins)
        ]
        written = [np.ascontiguousarray(a) for a in outs]
        arguments = [*specs.passed(self.ins, read), *specs.passed(self.outs, written), np.int64(n)]
        self._kernel(types)((-(-n // THREADS),), (THREADS,), arguments)
        for a, b in zip(outs, written):
            if a is not b:
                a[...] = b.reshape(a.shape)

    def _kernel(self, types: specs.Types) -> RawKernel:
        key = tuple((letter, dtype.name) for letter, dtype in types.items())
        if key not in self._kernels:
            module = RawModule(self._code(types), options=self.options)
            self._kernels[key] = module.get_function(self.name)
        return self._kernels[key]

    def _code(self, types: specs.Types) -> str:
        elements = "".join(
            f"    const {specs.c_type(p.dtype(types))} {p.name} = _array_{p.name}[i];\n"
            for p in self.ins
            if not p.raw
        ) + "".join(
            f"    {specs.c_type(p.dtype(types))} &{p.name} = _array_{p.name}[i];\n"
            for p in self.outs
            if not p.raw
        )
        generated = f'#line 1 "{self.name}, generated"'
        return f"""{generated}
{specs.RAW}{specs.typedefs(types)}
#line 1 "{self.name}, preamble"
{self.preamble}
{generated}
extern "C" __global__ void {self.name}({specs.signature(self.ins, self.outs, types)}, long long _n)
{{
    const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i >= _n) return;
{specs.raw_declarations(self.ins, self.outs, types)}{elements}
#line 1 "{self.name}"
{self.operation};
{generated}
}}
"""

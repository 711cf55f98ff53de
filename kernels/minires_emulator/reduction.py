"""`ReductionKernel`: CuPy's, for sums, maxima and norms along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import specs
from .arguments import Array
from .module import RawKernel, RawModule

MOST_THREADS = 128


class ReductionKernel:
    """A kernel that maps elements, combines them two by two, and maps the result.

        norm = ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "norm")
        norm(x, axis=1)

    `map_expr` sees the inputs' elements, `reduce_expr` two values a and b, `post_map_expr` the
    result a and the output. `identity` is what nothing at all reduces to, None if there is no such
    value. `reduce_type` is the type of a and b, the output's if not given. Each output has a block
    of its own.
    """

    def __init__(
        self,
        in_params: str,
        out_params: str,
        map_expr: str,
        reduce_expr: str,
        post_map_expr: str,
        identity: str | None,
        name: str = "reduce_kernel",
        *,
        reduce_type: str | None = None,
        preamble: str = "",
        options: Sequence[str] = (),
    ) -> None:
        self.ins, self.outs = specs.parse(in_params), specs.parse(out_params)
        if len(self.outs) != 1 or self.outs[0].raw:
            raise ValueError(f"{name}: there must be one output, and it cannot be raw")
        if all(p.raw for p in self.ins):
            raise ValueError(f"{name}: there must be an input that is not raw")
        if reduce_type is not None:
            (self.accumulator,) = specs.parse(f"{reduce_type} a")
        else:
            self.accumulator = self.outs[0]
        self.name = specs.check_name(name)
        self.expressions = (map_expr, reduce_expr, post_map_expr)
        self.identity = None if identity is None else str(identity)
        self.preamble, self.options = preamble, tuple(options)
        self._kernels: dict[tuple[tuple[str, str], ...], RawKernel] = {}

    def __call__(
        self,
        *args: Any,
        out: Array | None = None,
        axis: int | tuple[int, ...] | None = None,
        keepdims: bool = False,
    ) -> Array:
        """Reduce along `axis` (None: all of them); TypeError or ValueError for a wrong call."""
        if len(args) != len(self.ins):
            raise TypeError(f"{self.name}: expected {len(self.ins)} inputs, got {len(args)}")
        values = args if out is None else (*args, out)
        types = specs.resolve((*self.ins, *self.outs), values, self.name)
        used = {p.type for p in (*self.ins, *self.outs, self.accumulator) if len(p.type) == 1}
        if missing := used - types.keys():
            raise TypeError(f"{self.name}: no argument tells the type {', '.join(sorted(missing))}")
        ins = [specs.as_array(p, a, types, self.name) for p, a in zip(self.ins, args)]
        shape = np.broadcast_shapes(*(a.shape for p, a in zip(self.ins, ins) if not p.raw))
        reduced = self._axes(axis, len(shape))
        kept = [d for d in range(len(shape)) if d not in reduced]
        n_out = int(np.prod([shape[d] for d in kept]))
        n_in = int(np.prod([shape[d] for d in reduced]))
        if n_in == 0 and n_out > 0 and self.identity is None:
            raise ValueError(f"{self.name}: nothing to reduce in shape {shape}, and no identity")
        read = [
            np.ascontiguousarray(
                a if p.raw else np.broadcast_to(a, shape).transpose(*kept, *reduced)
            )
            for p, a in zip(self.ins, ins)
        ]
        result = np.empty(n_out, self.outs[0].dtype(types))
        if n_out > 0:
            self._run(types, read, result, n_in)
        final = [
            1 if d in reduced else shape[d] for d in range(len(shape)) if keepdims or d in kept
        ]
        if out is None:
            return result.reshape(final)
        if out.shape != tuple(final):
            raise ValueError(f"{self.name}: out must have shape {tuple(final)}, got {out.shape}")
        out[...] = result.reshape(final)
        return out

    def _axes(self, axis: int | tuple[int, ...] | None, ndim: int) -> list[int]:
        if axis is None:
            return list(range(ndim))
        axes = (axis,) if not isinstance(axis, tuple) else axis
        wrong = [a for a in axes if isinstance(a, bool) or not hasattr(a, "__index__")]
        if wrong or not all(-ndim <= a < ndim for a in axes):
            raise ValueError(f"{self.name}: axis must be within {ndim} dimensions, got {axis!r}")
        found = sorted({int(a) % ndim for a in axes})
        if len(found) < len(axes):
            raise ValueError(f"{self.name}: an axis occurs twice in {axis!r}")
        return found

    def _run(self, types: specs.Types, read: list[Array], result: Array, n_in: int) -> None:
        threads = 1  # every thread has an element to begin with, if there is any
        while 2 * threads <= min(n_in, MOST_THREADS):
            threads *= 2
        arguments = [*specs.passed(self.ins, read), result, np.int64(n_in)]
        self._kernel(types)((len(result),), (threads,), arguments)

    def _kernel(self, types: specs.Types) -> RawKernel:
        key = tuple((letter, dtype.name) for letter, dtype in types.items())
        if key not in self._kernels:
            module = RawModule(self._code(types), options=self.options)
            self._kernels[key] = module.get_function(self.name)
        return self._kernels[key]

    def _code(self, types: specs.Types) -> str:
        map_expr, reduce_expr, post_map_expr = self.expressions
        (output,) = self.outs
        name, generated = self.name, f'#line 1 "{self.name}, generated"'
        elements = "".join(
            f"        const {specs.c_type(p.dtype(types))} {p.name} = _array_{p.name}[_at];\n"
            for p in self.ins
            if not p.raw
        )
        start = (
            ""
            if self.identity is None
            else f"_result = _accumulator({self.identity}), _any = true;"
        )
        return f"""{generated}
{specs.RAW}{specs.typedefs(types)}
typedef {specs.c_type(self.accumulator.dtype(types))} _accumulator;
#line 1 "{name}, preamble"
{self.preamble}
{generated}
__device__ inline _accumulator _combine(_accumulator a, _accumulator b)
{{
#line 1 "{name}, reduce_expr"
    return ({reduce_expr});
{generated}
}}
extern "C" __global__ void {name}({specs.signature(self.ins, self.outs, types)}, long long _n)
{{
    __shared__ _accumulator _part[{MOST_THREADS}];
    _accumulator _result;
    bool _any = false;
    {start}
{specs.raw_declarations(self.ins, self.outs, types)}
    for (long long _j = threadIdx.x; _j < _n; _j += blockDim.x) {{
        const long long _at = blockIdx.x * _n + _j;
{elements}        auto _map = [&]() -> _accumulator {{
#line 1 "{name}, map_expr"
            return ({map_expr});
{generated}
        }};
        const _accumulator _mapped = _map();
        _result = _any ? _combine(_result, _mapped) : _mapped;
        _any = true;
    }}
    _part[threadIdx.x] = _result;
    __syncthreads();
    for (int _d = blockDim.x / 2; _d > 0; _d /= 2) {{
        if (threadIdx.x < _d)
            _part[threadIdx.x] = _combine(_part[threadIdx.x], _part[threadIdx.x + _d]);
        __syncthreads();
    }}
    if (threadIdx.x > 0) return;
    const _accumulator a = _part[0];
    {specs.c_type(output.dtype(types))} &{output.name} = _array_{output.name}[blockIdx.x];
#line 1 "{name}, post_map_expr"
{post_map_expr};
{generated}
}}
"""

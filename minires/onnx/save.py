"""Writing a net as an ONNX file, and comparing the file with the net."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minires_kernels import checks

from .. import __version__, results
from ..grad_mode import no_grad
from ..nn import Module
from ..tensor import Array, Tensor
from .graph import INPUT, OUTPUT, Builder
from .operators import convert
from .trace import Trace, trace

OPSETS = range(13, 24)  # whose operators `operators` writes
OPSET = 17
MOST_BYTES = 2**31 - 1  # of a protobuf
TOLERANCE = 1e-4  # float32, of whole nets; seen: 1e-5 at most
PIP = 'python -m pip install "minires[onnx]"'


@dataclass(frozen=True)
class Saved:
    """What `save` wrote: where, how many nodes and parameters, and how far it is from the net.

    difference  max |onnxruntime - minires| / max |minires|; None without onnxruntime
    """

    path: Path
    nodes: int
    parameters: int
    opset: int
    difference: float | None


def save(
    net: Module,
    path: str | os.PathLike[str],
    input_shape: Sequence[int],
    *,
    opset: int = OPSET,
    batch: int | str = "dynamic",
    metadata: Mapping[str, str] | None = None,
) -> Saved:
    """Write a net, as it evaluates one input (N, *input_shape), to an ONNX file and check it.

    Two runs of the net are recorded, so that any net of known operations will do; weights keep
    their names. The file passes onnx's checker, and onnxruntime's output is compared with ours if
    it is installed. Raises ValueError for operations that ONNX lacks, with the place; ImportError
    without the package onnx; RuntimeError if the outputs differ.
    """
    onnx = _package("onnx")
    if not isinstance(net, Module):
        raise TypeError(f"net: expected a Module, got {type(net).__name__}")
    shape = tuple(checks.integer("input_shape", n, 1) for n in _sizes(input_shape))
    opset = checks.integer("opset", opset, OPSETS.start)
    newest = min(OPSETS.stop - 1, onnx.defs.onnx_opset_version())
    if opset > newest:
        raise ValueError(f"opset: expected {OPSETS.start} to {newest}, got {opset}")
    size = None if batch == "dynamic" else checks.integer("batch", batch, 1)
    traced = trace(net, shape, size)
    model = _model(traced, type(net).__name__, opset, size, dict(metadata or {}))
    if model.ByteSize() > MOST_BYTES:
        raise ValueError(
            f"an ONNX file holds at most 2 GB, this net has {model.ByteSize():,} bytes"
        )
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString(deterministic=True)
    found = difference(net, content, shape, size)
    if found is not None and not found < TOLERANCE:
        raise RuntimeError(f"onnxruntime's output differs from the net's by {found:.1e} (relative)")
    written = results.write_bytes(path, content)
    parameters = sum(p.size for p in net.parameters())
    return Saved(written, len(model.graph.node), parameters, opset, found)


def difference(
    net: Module, content: bytes, shape: tuple[int, ...], batch: int | None = None
) -> float | None:
    """Return max |onnxruntime - minires| / max |minires| for random inputs; None without it."""
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError:
        return None
    options = runtime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1  # errors alone; waiting costs
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    dtype = next((p.dtype for p in net.parameters()), np.dtype(np.float32))
    worst = 0.0
    for n in (batch,) if batch else (1, 4):
        x = np.random.default_rng(n).standard_normal((n, *shape)).astype(dtype)
        expected = _evaluated(net, x)
        (found,) = session.run([OUTPUT], {INPUT: x})
        if found.shape != expected.shape:
            raise RuntimeError(f"onnxruntime returns shape {found.shape}, the net {expected.shape}")
        scale = np.abs(expected).max() or 1
        worst = max(worst, float(np.abs(found - expected).max() / scale))
    return worst


def _evaluated(net: Module, x: Array) -> Array:
    modes = [(module, module.training) for module in net.modules()]
    try:
        with no_grad():
            y: Array = net.eval()(Tensor(x)).data
    finally:
        for module, training in modes:
            module.training = training
    return y


def _model(
    traced: Trace, name: str, opset: int, batch: int | None, metadata: dict[str, str]
) -> Any:
    from onnx import helper, numpy_helper

    build = Builder(traced, opset)
    for number, step in enumerate(traced.steps):
        build.step = step
        build.values[number] = convert(build, step)
    last = traced.steps[-1]
    _rename_output(build, build.values[len(traced.steps) - 1])
    kind = helper.np_dtype_to_tensor_dtype(traced.dtype)
    first: Any = batch or "batch"
    # the sizes that follow the batch's; only the first has a name that says so
    sizes = [a if a == b else None for a, b in zip(*last.shapes, strict=True)]
    if sizes and sizes[0] is None and last.shape[0] == 2:
        sizes[0] = first
    graph = helper.make_graph(
        build.nodes,
        name,
        [helper.make_tensor_value_info(INPUT, kind, [first, *traced.shape])],
        [helper.make_tensor_value_info(OUTPUT, kind, sizes)],
        [
            numpy_helper.from_array(np.ascontiguousarray(array), name)
            for name, array in build.initializers.items()
        ],
    )
    imports = [helper.make_opsetid("", opset)]
    model = helper.make_model(
        graph,
        opset_imports=imports,
        ir_version=helper.find_min_ir_version_for(imports),
        producer_name="minires",
        producer_version=__version__,
    )
    helper.set_model_props(model, {str(k): str(v) for k, v in sorted(metadata.items())})
    return model


def _rename_output(build: Builder, name: str) -> None:
    """Let the last node make `output`, and whoever else uses its value use that."""
    for node in build.nodes:
        for names in (node.input, node.output):
            for i, used in enumerate(names):
                if used == name:
                    names[i] = OUTPUT


def _sizes(input_shape: Any) -> tuple[Any, ...]:
    if isinstance(input_shape, str) or not isinstance(input_shape, Sequence):
        raise TypeError(
            f"input_shape: expected sizes without the batch, e.g. (3, 32, 32), got {input_shape!r}"
        )
    return tuple(input_shape)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(
            f"ONNX files need the package {name}, which is not installed: {PIP}"
        ) from None

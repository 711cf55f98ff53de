"""How each Function is written in ONNX: one operator by its name, or a converter of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .graph import Builder, dimensions
from .trace import Step

LAST = np.iinfo(np.int64).max
# Functions that are one operator, of the same inputs and without attributes
SAME = {
    "Abs": "Abs",
    "Add": "Add",
    "Alias": "Identity",
    "Div": "Div",
    "Exp": "Exp",
    "GlobalAvgPool2d": "GlobalAveragePool",
    "Log": "Log",
    "MatMul": "MatMul",
    "Move": "Identity",
    "Mul": "Mul",
    "Neg": "Neg",
    "ReLU": "Relu",
    "Sigmoid": "Sigmoid",
    "Sqrt": "Sqrt",
    "Sub": "Sub",
    "Tanh": "Tanh",
    "Where": "Where",
}
Converter = Callable[[Builder, Step, list[str]], str]
CONVERTERS: dict[str, Converter] = {}


def convert(build: Builder, step: Step) -> str:
    """Add the nodes of a step; return the name of its output. ValueError for an unknown Function.

    Whose Function it is counts, too: one of yours that is called ReLU may be another function.
    """
    ours = step.function.__module__.partition(".")[0] == "minires"
    if ours and step.name in SAME:
        return build.node(SAME[step.name], *map(build.use, step.sources))
    if ours and step.name in CONVERTERS:
        return CONVERTERS[step.name](build, step, [build.use(s) for s in step.sources])
    known = ", ".join(sorted({*SAME, *CONVERTERS}))
    raise ValueError(f"{step} cannot be written in ONNX; what can be: {known}")


def converts(name: str) -> Callable[[Converter], Converter]:
    """Register the converter of the Function `name`."""

    def register(converter: Converter) -> Converter:
        CONVERTERS[name] = converter
        return converter

    return register


def pair(size: Any) -> list[int]:
    """Return a size of two dimensions as ONNX wants it."""
    return [int(n) for n in size] if isinstance(size, tuple | list) else [int(size)] * 2


@converts("AddReLU")
def add_relu(build: Builder, step: Step, names: list[str]) -> str:
    """max(a + b, 0)."""
    return build.node("Relu", build.node("Add", *names))


@converts("Linear")
def linear(build: Builder, step: Step, names: list[str]) -> str:
    """x wᵀ + b."""
    return build.node("Gemm", *filter(None, names), transB=1)


@converts("Conv2d")
def conv2d(build: Builder, step: Step, names: list[str]) -> str:
    """Cross-correlation, as in ONNX."""
    o = step.options
    return build.node(
        "Conv",
        *filter(None, names),
        kernel_shape=list((step.inputs[1] or ())[2:]),
        strides=pair(o["stride"]),
        pads=2 * pair(o["padding"]),
        dilations=pair(o["dilation"]),
        group=int(o["groups"]),
    )


@converts("BatchNorm")
def batch_norm(build: Builder, step: Step, names: list[str]) -> str:
    """With running statistics; without factors or biases with ones and zeros."""
    x, weight, bias, mean, var = names[:5]
    if not mean:
        raise ValueError(
            f"{step} takes the statistics of the batch; a file needs running statistics "
            "(track_running_stats=True, training=False)"
        )
    channels = (step.inputs[0] or ())[1]
    weight = weight or build.constant(np.ones(channels))
    bias = bias or build.constant(np.zeros(channels))
    return build.node(
        "BatchNormalization", x, weight, bias, mean, var, epsilon=float(step.options["eps"])
    )


@converts("BatchNormReLU")
def batch_norm_relu(build: Builder, step: Step, names: list[str]) -> str:
    """relu(batch norm + residual)."""
    y = batch_norm(build, step, names)
    return build.node("Relu", build.node("Add", y, names[5]) if names[5] else y)


def _pool(build: Builder, step: Step, op: str, x: str, **others: Any) -> str:
    o = step.options
    kernel = pair(o["kernel_size"])
    return build.node(
        op,
        x,
        kernel_shape=kernel,
        strides=kernel if o["stride"] is None else pair(o["stride"]),
        pads=2 * pair(o["padding"]),
        ceil_mode=int(o["ceil_mode"]),
        **others,
    )


@converts("MaxPool2d")
def max_pool2d(build: Builder, step: Step, names: list[str]) -> str:
    """Maximum over windows."""
    return _pool(build, step, "MaxPool", names[0], dilations=pair(step.options["dilation"]))


@converts("AvgPool2d")
def avg_pool2d(build: Builder, step: Step, names: list[str]) -> str:
    """Mean over windows."""
    counted = int(step.options["count_include_pad"])
    return _pool(build, step, "AveragePool", names[0], count_include_pad=counted)


@converts("PadShortcut")
def pad_shortcut(build: Builder, step: Step, names: list[str]) -> str:
    """Option A: every stride-th pixel, and zeros for the channels that x does not have."""
    stride, channels = step.options["stride"], step.options["channels"]
    x = names[0]
    if stride != 1:
        x = build.node(
            "Slice",
            x,
            build.integers(0, 0),
            build.integers(LAST, LAST),
            build.integers(2, 3),
            build.integers(stride, stride),
        )
    more = channels - (step.inputs[0] or ())[1]
    return build.node("Pad", x, build.integers(0, 0, 0, 0, 0, more, 0, 0)) if more else x


@converts("Pad")
def pad(build: Builder, step: Step, names: list[str]) -> str:
    """A constant border."""
    before, after = zip(*step.options["widths"], strict=True)
    return build.node(
        "Pad", names[0], build.integers(*before, *after), build.constant(step.options["value"])
    )


@converts("Reshape")
def reshape(build: Builder, step: Step, names: list[str]) -> str:
    """The same elements in another shape."""
    return build.node("Reshape", names[0], build.integers(*dimensions(step)))


@converts("Permute")
def permute(build: Builder, step: Step, names: list[str]) -> str:
    """Another order of dimensions."""
    return build.node("Transpose", names[0], perm=list(step.options["dims"]))


@converts("Concat")
def concat(build: Builder, step: Step, names: list[str]) -> str:
    """One after the other along a dimension."""
    return build.node("Concat", *names, axis=step.options["dim"])


@converts("GetItem")
def getitem(build: Builder, step: Step, names: list[str]) -> str:
    """Integers and slices; ValueError for arrays of indices, masks and None."""
    index, shape = step.options["index"], step.inputs[0] or ()
    if not all(isinstance(i, int | slice) or i is Ellipsis for i in index):
        raise ValueError(f"{step}: only integers and slices can be written in ONNX, got {index}")
    rest = len(shape) - sum(i is not Ellipsis for i in index)
    at = index.index(Ellipsis) if Ellipsis in index else len(index)
    parts = [*index[:at], *[slice(None)] * rest, *index[at + 1 :]]
    cuts: list[tuple[int, int, int, int]] = []  # axis, start, end, step
    for axis, part in enumerate(parts):
        if isinstance(part, int):
            cuts.append((axis, part, LAST if part == -1 else part + 1, 1))
        elif part != slice(None):
            by = 1 if part.step is None else part.step
            start = (0 if by > 0 else LAST) if part.start is None else part.start
            end = (LAST if by > 0 else -LAST) if part.stop is None else part.stop
            cuts.append((axis, start, end, by))
    x = names[0]
    if cuts:
        axes, starts, ends, by_ = (build.integers(*column) for column in zip(*cuts, strict=True))
        x = build.node("Slice", x, starts, ends, axes, by_)
    gone = [axis for axis, part in enumerate(parts) if isinstance(part, int)]
    return build.node("Squeeze", x, build.integers(*gone)) if gone else x


@converts("Clip")
def clip(build: Builder, step: Step, names: list[str]) -> str:
    """Between two limits, or one."""
    limits = [step.options["low"], step.options["high"]]
    given = ["" if limit is None else build.constant(limit) for limit in limits]
    return build.node("Clip", names[0], *given)


@converts("Cast")
def cast(build: Builder, step: Step, names: list[str]) -> str:
    """Another dtype."""
    from onnx import helper

    return build.node("Cast", names[0], to=helper.np_dtype_to_tensor_dtype(step.dtype))


@converts("Power")
def power(build: Builder, step: Step, names: list[str]) -> str:
    """x^p."""
    return build.node("Pow", names[0], build.constant(step.options["exponent"]))


@converts("PowerOf")
def power_of(build: Builder, step: Step, names: list[str]) -> str:
    """b^x."""
    return build.node("Pow", build.constant(step.options["base"]), names[0])


@converts("Sum")
def sum_(build: Builder, step: Step, names: list[str]) -> str:
    """Over dimensions; over none of them it is x."""
    if not (dims := step.options["dims"]):
        return build.node("Identity", names[0])
    keep = int(step.options["keepdim"])
    return build.node("ReduceSum", names[0], build.integers(*dims), keepdims=keep)


@converts("Extreme")
def extreme(build: Builder, step: Step, names: list[str]) -> str:
    """Maximum or minimum over a dimension, which is an input of the operator since opset 18."""
    op = "ReduceMax" if step.options["largest"] else "ReduceMin"
    keep, dim = int(step.options["keepdim"]), step.options["dim"]
    if build.opset >= 18:
        return build.node(op, names[0], build.integers(dim), keepdims=keep)
    return build.node(op, names[0], axes=[dim], keepdims=keep)


@converts("LeakyReLU")
def leaky_relu(build: Builder, step: Step, names: list[str]) -> str:
    """x, or slope · x below 0."""
    return build.node("LeakyRelu", names[0], alpha=float(step.options["slope"]))


@converts("Gated")
def gated(build: Builder, step: Step, names: list[str]) -> str:
    """x · gate(x): GELU, its approximation by tanh, SiLU. ONNX has GELU itself since opset 20."""
    x, gate = names[0], step.options["gate"]
    if gate == "logistic":
        return build.node("Mul", x, build.node("Sigmoid", x))
    if gate == "normal":
        inner = build.node("Erf", build.node("Div", x, build.constant(math.sqrt(2))))
    else:
        cubic = build.node("Mul", x, build.node("Mul", x, x))
        cubic = build.node("Mul", cubic, build.constant(0.044715))
        inner = build.node("Add", x, cubic)
        inner = build.node("Tanh", build.node("Mul", inner, build.constant(math.sqrt(2 / math.pi))))
    half = build.node("Mul", x, build.constant(0.5))
    return build.node("Mul", half, build.node("Add", inner, build.constant(1)))


@converts("GroupNorm")
def group_norm(build: Builder, step: Step, names: list[str]) -> str:
    """(x - mean) / √(var + eps) over each group of channels, times weight, plus bias."""
    x, weight, bias = names[:3]
    channels, *sides = (step.inputs[0] or ())[1:]

    def mean(x: str) -> str:  # of x (N, G, …)
        if build.opset >= 18:
            return build.node("ReduceMean", x, build.integers(2), keepdims=1)
        return build.node("ReduceMean", x, axes=[2], keepdims=1)

    y = build.node("Reshape", x, build.integers(0, step.options["groups"], -1))  # 0: as it is
    centred = build.node("Sub", y, mean(y))
    variance = mean(build.node("Mul", centred, centred))
    variance = build.node("Add", variance, build.constant(step.options["eps"]))
    y = build.node("Div", centred, build.node("Sqrt", variance))
    y = build.node("Reshape", y, build.integers(0, channels, *sides))
    for name, operator in ((weight, "Mul"), (bias, "Add")):
        if name:
            factors = build.node("Reshape", name, build.integers(channels, *(1 for _ in sides)))
            y = build.node(operator, y, factors)
    return y


@converts("ConvTranspose2d")
def conv_transpose2d(build: Builder, step: Step, names: list[str]) -> str:
    """The gradient of a convolution as a layer."""
    o, x, w = step.options, step.inputs[0] or (), step.inputs[1] or ()
    strides, padding, dilations = (pair(o[key]) for key in ("stride", "padding", "dilation"))
    least = [
        (x[2 + i] - 1) * strides[i] - 2 * padding[i] + dilations[i] * (w[2 + i] - 1) + 1
        for i in range(2)
    ]
    return build.node(
        "ConvTranspose",
        *filter(None, names),
        kernel_shape=list(w[2:]),
        strides=strides,
        pads=2 * padding,
        dilations=dilations,
        group=int(o["groups"]),
        output_padding=[step.shape[2 + i] - least[i] for i in range(2)],
    )


@converts("Resize")
def resize(build: Builder, step: Step, names: list[str]) -> str:
    """A x Bᵀ with the matrices that mix rows and columns, so that every mode is exact."""
    like = np.zeros(0, step.dtype)
    height, width = (step.inputs[0] or ())[2:]
    rows = build.constant(step.options["rows"].matrix(height, like))
    columns = build.constant(step.options["columns"].matrix(width, like).T)
    return build.node("MatMul", build.node("MatMul", rows, names[0]), columns)

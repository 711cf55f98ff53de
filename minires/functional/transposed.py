"""Transposed convolution: what a convolution does to gradients, as a layer."""

from __future__ import annotations

from typing import Any

from minires_kernels import checks
from minires_kernels.arrays import module_of
from minires_kernels.backends import kernel_for

from ..function import Context, Function
from ..tensor import Array, Tensor
from .kernels import Size, require_tensor


class ConvTranspose2d(Function):
    """y = dz of the convolution z → x with these weights;  dx and dw are that convolution's.

    It runs the kernel `conv2d` with forward and backward exchanged, so it has no loops of its own.
    """

    new_gradients = True

    @staticmethod
    def forward(
        ctx: Context, x: Array, w: Array, b: Array | None, *, shape: tuple[int, ...], **options: Any
    ) -> Any:
        kernel = kernel_for("conv2d", x)
        z = module_of(x).broadcast_to(x[:0].sum(), shape)  # only its shape and dtype are read
        _, checked = kernel.spec.check_forward(z, w, None, **options)
        rest = checked["win"], checked["groups"]
        y = kernel.backward(x, z, w, False, *rest, needs=(True, False, False))[0]
        if b is not None:
            y += b[:, None, None]  # (N, C', H', W') + (C', 1, 1)
        ctx.save(x, w, rest, options)
        ctx.kernel = kernel
        return y

    @staticmethod
    def backward(ctx: Context, dy: Array) -> Any:
        x, w, rest, options = ctx.saved
        dx = ctx.kernel.forward(dy, w, None, **options)[0] if ctx.needs[0] else None
        dw = None
        if ctx.needs[1]:
            dw = ctx.kernel.backward(x, dy, w, False, *rest, needs=(False, True, False))[1]
        return dx, dw, dy.sum(axis=(0, 2, 3)) if ctx.needs[2] else None


def conv_transpose2d(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """The gradient of conv2d as a layer: x (N, C, H, W), w (C, K / groups, R, S) → (N, K, H', W').

    H' = (H - 1) stride - 2 padding + dilation (R - 1) + output_padding + 1, and W' likewise:
    `stride` times larger. `output_padding` chooses among the sizes that conv2d maps to H, and is
    below the stride. Dumoulin and Visin 2016 (1603.07285), section 4.
    """
    images = checks.floating("x", require_tensor("x", x).data, "(N, C, H, W)")
    weights = checks.floating("w", require_tensor("w", w).data, "(C, K / groups, R, S)")
    groups = checks.integer("groups", groups, 1)
    bias = None if b is None else checks.floating("b", require_tensor("b", b).data, "(K,)")
    checks.same_dtype("x", images, w=weights, b=bias)
    if len(weights) != x.shape[1] or len(weights) % groups:
        raise ValueError(
            f"conv_transpose2d: x has C = {x.shape[1]} in shape {x.shape}, w C = {len(weights)} in "
            f"{w.shape}; they must agree, and groups = {groups} divide them"
        )
    channels = weights.shape[1] * groups
    if bias is not None:
        checks.has_shape("b", bias, (channels,), "one for each channel of y")
    stride, padding = checks.pair("stride", stride, 1), checks.pair("padding", padding, 0)
    dilation, extra = (
        checks.pair("dilation", dilation, 1),
        checks.pair("output_padding", output_padding, 0),
    )
    size = []
    for i in range(2):
        if extra[i] >= stride[i]:
            raise ValueError(
                f"output_padding: expected less than the stride {stride}, got {extra}; a larger "
                "one would add pixels that nothing reaches"
            )
        reach = dilation[i] * (weights.shape[2 + i] - 1) + 1
        size.append((x.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + reach + extra[i])
    if min(size) < 1:
        raise ValueError(
            f"conv_transpose2d: of an image of {x.shape[2:]} padding {padding} leaves {tuple(size)}"
        )
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    shape = (x.shape[0], channels, *size)
    return ConvTranspose2d.apply(x, w, b, shape=shape, **options)

"""The calls that are timed: what the layers of ResNet-20 (CIFAR) and ResNet-18/50 (ImageNet) do.

`calls(kernel, set)` returns the calls of a kernel, None for one that this file does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minires_kernels.reference.gated import GATES

Array = Any
SETS = ("cifar", "imagenet", "all")

# (N, C, K, H = W, stride, R = S), padding R // 2
CONVOLUTIONS = {
    "cifar": (
        (128, 3, 16, 32, 1, 3),
        (128, 16, 16, 32, 1, 3),
        (128, 16, 32, 32, 2, 3),
        (128, 32, 32, 16, 1, 3),
        (128, 32, 64, 16, 2, 3),
        (128, 64, 64, 8, 1, 3),
        (128, 16, 32, 32, 2, 1),
        (128, 32, 64, 16, 2, 1),
    ),
    "imagenet": (
        (8, 3, 64, 224, 2, 7),
        (8, 64, 64, 56, 1, 3),
        (8, 64, 128, 56, 2, 3),
        (8, 128, 128, 28, 1, 3),
        (8, 256, 256, 14, 1, 3),
        (8, 512, 512, 7, 1, 3),
        (8, 64, 128, 56, 2, 1),
        (8, 256, 64, 56, 1, 1),
        (8, 64, 256, 56, 1, 1),
    ),
}
# (N, C, H = W): the stages
IMAGES = {
    "cifar": ((128, 16, 32), (128, 32, 16), (128, 64, 8)),
    "imagenet": ((8, 64, 112), (8, 64, 56), (8, 128, 28), (8, 256, 14), (8, 512, 7)),
}
# (N, inputs, outputs)
PRODUCTS = {
    "cifar": ((128, 64, 10), (128, 64, 64), (128, 512, 512)),
    "imagenet": ((8, 512, 1000),),
}
STAGES = tuple(f"128×{c}×{h}² → {c}, 3×3" for c, h in ((16, 32), (32, 16), (64, 8)))  # labels


@dataclass(frozen=True)
class Call:
    """One call of a kernel: `draw(images, rng)` returns float32 arrays for that many images."""

    label: str
    images: int
    draw: Callable[[int, np.random.Generator], list[Array | None]]
    options: dict[str, Any] = field(default_factory=dict)

    def arrays(self, images: int | None = None) -> list[Array | None]:
        """Return the positional arguments, the same at every call."""
        return self.draw(images or self.images, np.random.default_rng(0))


def channels_last(a: Array) -> Array:
    """Return the (N, C, H, W) array in N H W C memory order."""
    return np.ascontiguousarray(a.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    a = rng.standard_normal(shape, dtype=np.float32)
    return channels_last(a) if len(shape) == 4 else a


def convolution(n: int, c: int, k: int, h: int, stride: int, r: int) -> Call:
    """Return the call of one convolution without bias, as before batch norm."""

    def draw(images: int, rng: np.random.Generator) -> list[Array | None]:
        w = rng.standard_normal((k, c, r, r), dtype=np.float32) / np.float32(np.sqrt(c * r * r))
        return [_normal(rng, images, c, h, h), w, None]

    label = f"{n}×{c}×{h}² → {k}, {r}×{r}" + (f" /{stride}" if stride > 1 else "")
    return Call(label, n, draw, {"stride": stride, "padding": r // 2})


def _image_call(name: str, n: int, c: int, h: int) -> list[Call]:
    def affine(x: Array, rng: np.random.Generator) -> list[Any]:
        return [x, _normal(rng, c), _normal(rng, c), None, None]

    def another(x: Array, rng: np.random.Generator) -> Array:
        return _normal(rng, *x.shape)

    def call(draw: Any, note: str = "", **options: Any) -> Call:
        def arrays(images: int, rng: np.random.Generator) -> list[Any]:
            return list(draw(_normal(rng, images, c, h, h), rng))

        return Call(f"{n}×{c}×{h}²{note}", n, arrays, options)

    if name == "batch_norm":
        return [call(affine, eps=1e-5)]
    if name == "batch_norm_relu":
        with_residual = call(lambda x, rng: [*affine(x, rng), another(x, rng)], " + x", eps=1e-5)
        return [call(lambda x, rng: [*affine(x, rng), None], eps=1e-5), with_residual]
    if name == "add_relu":
        return [call(lambda x, rng: [x, another(x, rng)])]
    if name == "add":
        return [call(lambda x, rng: [x, another(x, rng)], owned=False)]
    if name == "max_pool2d":
        return [call(lambda x, rng: [x], ", 3×3 /2", kernel_size=3, stride=2, padding=1)]
    if name == "avg_pool2d":
        return [call(lambda x, rng: [x], ", 2×2", kernel_size=2)] if h % 2 == 0 else []
    if name == "gated":
        return [call(lambda x, rng: [x], f", {gate} gate", gate=gate) for gate in GATES]
    if name == "group_norm":
        return [call(lambda x, rng: affine(x, rng)[:3], ", 4 groups", groups=4)]
    return [call(lambda x, rng: [x])]  # relu, global_avg_pool2d


def _product_call(name: str, n: int, inputs: int, outputs: int) -> Call:
    def draw(images: int, rng: np.random.Generator) -> list[Any]:
        if name == "cross_entropy":
            return [_normal(rng, images, outputs), rng.integers(0, outputs, images)]
        w = _normal(rng, outputs, inputs) / np.float32(np.sqrt(inputs))
        return [_normal(rng, images, inputs), w, _normal(rng, outputs)]

    label = f"{n}×{outputs}" if name == "cross_entropy" else f"{n}×{inputs} → {outputs}"
    return Call(label, n, draw)


_ON_IMAGES = (
    "batch_norm",
    "batch_norm_relu",
    "group_norm",
    "relu",
    "gated",
    "add",
    "add_relu",
    "max_pool2d",
    "avg_pool2d",
    "global_avg_pool2d",
)


def calls(name: str, which: str = "all") -> list[Call] | None:
    """Return the calls of kernel `name` in a set of SETS, or None if none are known for it."""
    sets = ("cifar", "imagenet") if which == "all" else (which,)
    if name == "conv2d":
        return [convolution(*shape) for s in sets for shape in CONVOLUTIONS[s]]
    if name in _ON_IMAGES:
        return [call for s in sets for shape in IMAGES[s] for call in _image_call(name, *shape)]
    if name in ("linear", "cross_entropy"):
        found = [_product_call(name, *shape) for s in sets for shape in PRODUCTS[s]]
        return list({call.label: call for call in found}.values())  # each once
    return None


def on_images(name: str) -> bool:
    """Return whether a kernel works on images, and so in the stages of a net."""
    return name == "conv2d" or name in _ON_IMAGES


def stage_calls(name: str) -> list[Call] | None:
    """Return the calls of kernel `name` in the three stages of ResNet-20."""
    found = calls(name, "cifar")
    if found is None or name != "conv2d":
        return found
    return [call for call in found if call.label in STAGES]

"""A small net made for speed: 94 % on CIFAR-10 within ten epochs.

whiten    conv2×2 whose fixed filters decorrelate the patches of the images, and their negatives
groups    three of conv3×3 – max pool 2×2 – norm – GELU – conv3×3 – norm – GELU, of w, 4w, 4w
head      maximum over what is left – linear, times 1/9
Convolutions start as the identity in their first channels, an implicit skip; batch norms have no γ.

Source: Jordan 2024 (2404.00498), section 3, and its code "airbench94": a mean error of 5.99 % in
9.9 epochs. 1,972,792 parameters for w = 64, 1,440 of which are fixed.

    minires train --model airbench94 --data cifar10 --recipe airbench --out out/airbench

That is the code's recipe, but for what hardly matters: float32 for float16, the rate of the middle
of each step for that of its beginning, mean and deviation as measured for rounded ones, patches of
5,000 images from all over the set for the first 5,000, and 475 steps for 476, the last of which its
lookahead leaves out.
"""

from __future__ import annotations

import numpy as np

from minires_kernels import checks

from .. import functional as F
from .. import nn
from ..nn import init
from ..random import generator, using
from ..tensor import Array, Tensor

SCALE = 1 / 9


def whitening_filters(images: Array, kernel_size: int = 2, eps: float = 5e-4) -> Array:
    """Return filters (2 C k², C, k, k) that whiten the k×k patches of images (N, C, H, W).

    With eigenvectors e and eigenvalues λ of the patches' second moments: e / √(λ + eps), largest λ
    first, then the negatives of all. Images should be normalised. Source: Jordan 2024, section 3.
    Raises TypeError or ValueError.
    """
    k, eps = checks.integer("kernel_size", kernel_size, 1), checks.real("eps", eps)
    x = checks.floating("images", images)
    if x.ndim != 4 or 0 in x.shape or min(x.shape[2:]) < k:
        raise ValueError(f"images: expected shape (N, C, H, W) of at least {k}×{k}, got {x.shape}")
    size = x.shape[1] * k * k
    moments, count = np.zeros((size, size)), 0
    for start in range(0, len(x), 200):  # a few at a time, since each pixel is in k² patches
        windows = np.lib.stride_tricks.sliding_window_view(x[start : start + 200], (k, k), (2, 3))
        patches = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, size).astype(np.float64)
        moments += patches.T @ patches
        count += len(patches)
    if not np.isfinite(moments).all():
        raise ValueError("images: expected finite numbers, got NaN or infinity")
    values, vectors = np.linalg.eigh(moments / count)  # ascending
    values, vectors = np.maximum(values[::-1], 0), vectors.T[::-1]
    signs = np.sign(vectors[np.arange(size), np.abs(vectors).argmax(1)])  # the same everywhere
    filters = vectors * (signs / np.sqrt(values + eps))[:, None]
    return np.concatenate((filters, -filters)).astype(x.dtype).reshape(-1, x.shape[1], k, k)


def whiten_(layer: nn.Conv2d, images: Array, eps: float = 5e-4) -> None:
    """Set the filters (K, C, k, k) of a convolution to whiten patches of images (N, C, H, W).

    The first half are those of `whitening_filters`, strongest first, the others their negatives;
    with more filters than directions they are repeated. Raises TypeError or ValueError.
    """
    k, c, r, s = layer.weight.shape
    if r != s:
        raise ValueError(f"whitening needs filters that are square, got {r}×{s}")
    filters = whitening_filters(images, r, eps)
    if filters.shape[1] != c:
        raise ValueError(f"images: expected {c} channels, as the net has, got {images.shape}")
    half = np.resize(filters[: len(filters) // 2], (-(-k // 2), c, r, s))
    layer.weight.update_(np.concatenate([half, -half])[:k].astype(layer.weight.dtype))


class Group(nn.Module):
    """conv3×3 – max pool 2×2 – norm – GELU – conv3×3 – norm – GELU: half the size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.norm1 = _norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = _norm(outputs)
        self.act = nn.GELU()

    def forward(self, x: Tensor) -> Tensor:
        """x (N, inputs, H, W) → (N, outputs, ⌊H / 2⌋, ⌊W / 2⌋)."""
        x = self.act(self.norm1(self.pool(self.conv1(x))))
        return self.act(self.norm2(self.conv2(x)))  # type: ignore[no-any-return]


class Airbench(nn.Module):
    """The net of this file. Call `whiten_` with training images before it is trained."""

    def __init__(self, width: int, in_channels: int, num_classes: int) -> None:
        super().__init__()
        filters = 2 * in_channels * 4
        self.whiten = nn.Conv2d(in_channels, filters, 2)
        self.whiten.weight.requires_grad_(False)
        self.act = nn.GELU()
        self.group1 = Group(filters, width)
        self.group2 = Group(width, 4 * width)
        self.group3 = Group(4 * width, 4 * width)
        self.head = nn.Linear(4 * width, num_classes, bias=False)

    def whiten_(self, images: Array, eps: float = 5e-4) -> None:
        """Set the first filters to whiten the patches of images (N, C, H, W), normalised.

        Some thousand images are enough. Raises TypeError or ValueError.
        """
        whiten_(self.whiten, images, eps)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W), from 17×17 on → logits (N, num_classes)."""
        x = self.act(self.whiten(x))
        x = self.group3(self.group2(self.group1(x)))
        x = F.max_pool2d(x, (x.shape[2], x.shape[3])).flatten(1)
        return self.head(x) * SCALE  # type: ignore[no-any-return]


def airbench94(
    *,
    width: int = 64,
    in_channels: int = 3,
    num_classes: int = 10,
    seed: np.random.Generator | int | None = None,
) -> Airbench:
    """Build the net; `width` is the number of filters of the first group.

    Weights start as PyTorch's, U(±1 / √fan_in), but for the identity in the first filters of each
    convolution. Its first layer must be whitened before training: by `net.whiten_(x)`, or by a
    recipe with start "whiten", as train.RECIPES["airbench"] is. Raises ValueError.
    """
    rng = generator(seed)
    with using(rng):
        net = Airbench(
            checks.integer("width", width, 1),
            checks.integer("in_channels", in_channels, 1),
            checks.integer("num_classes", num_classes, 1),
        )
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            start_as_identity(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
    return net


def _norm(features: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(features, eps=1e-12, momentum=0.4)
    assert norm.weight is not None
    norm.weight.requires_grad_(False)
    return norm


def start_as_identity(weight: nn.Parameter) -> None:
    """Let filter i < C pass channel i of C through its centre, as `dirac_` of these filters."""
    w = weight.data.copy()
    rows = min(w.shape[:2])
    w[:rows] = 0
    w[np.arange(rows), np.arange(rows), w.shape[2] // 2, w.shape[3] // 2] = 1
    weight.update_(w)

"""`Normalise`: subtract a mean and divide by a deviation that were measured on training images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from minires_kernels import checks

from ..tensor import Array
from .images import Images

KINDS = ("channel", "pixel")
CHUNK = 1 << 22  # bytes looked at in one go


@dataclass(frozen=True, eq=False)
class Normalise:
    """y = (x / 255 - mean) / std, for uint8 images x.

    mean   (C,) per channel, or (H, W, C) per pixel, float32
    std    (C,) float32, above 0

    `Normalise.of(images)` measures both. Kind "channel" is what most recipes do. Kind "pixel"
    subtracts the mean image, as He et al. 2015 (§4.2) do, and divides all by one deviation, which
    they do not: before a convolution with batch norm a factor changes nothing but the role of eps.
    """

    mean: Array
    std: Array

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            a = np.asarray(getattr(self, name), dtype=np.float32)
            if not np.isfinite(a).all():
                raise ValueError(f"{name}: expected finite numbers, got {a.ravel()[:8]}")
            object.__setattr__(self, name, a)
        if self.mean.ndim not in (1, 3) or self.std.shape != self.mean.shape[-1:]:
            raise ValueError(
                "expected mean (C,) or (H, W, C) and std (C,), got "
                f"{self.mean.shape} and {self.std.shape}"
            )
        if self.std.size == 0 or self.std.min() <= 0:
            raise ValueError(f"std: expected numbers above 0, got {self.std}")

    @classmethod
    def of(cls, images: Images, kind: str = "channel") -> Normalise:
        """Measure mean and deviation of (training) images; `kind` is "channel" or "pixel".

        Raises ValueError if a channel ("pixel": the whole set) has one value only.
        """
        if kind not in KINDS:
            raise ValueError(f"kind: expected 'channel' or 'pixel', got {kind!r}")
        n, h, w, c = images.x.shape
        total = np.zeros((h, w, c), np.int64)
        squares = np.zeros(c, np.int64)
        step = max(1, CHUNK // (h * w * c))
        for i in range(0, n, step):
            chunk = images.x[i : i + step]
            total += chunk.sum(axis=0, dtype=np.int64)
            squares += np.square(chunk, dtype=np.int32).sum(axis=(0, 1, 2), dtype=np.int64)
        count = n * h * w
        if kind == "channel":
            mean = total.sum(axis=(0, 1)) / count
            variance = squares / count - mean**2
        else:  # of x - mean, over all pixels and channels
            mean = total / n
            variance = np.full(c, (squares.sum() / n - np.square(mean).sum()) / (h * w * c))
        if variance.min() < 1e-9:
            raise ValueError(
                f"the images of {images.name} do not differ (channel {variance.argmin()} has one "
                "value): there is nothing to normalise by, or to learn from"
            )
        return cls(mean / 255, np.sqrt(variance) / 255)

    def state(self) -> dict[str, Array]:
        """Return the two arrays, to be saved with a model."""
        return {"mean": self.mean.copy(), "std": self.std.copy()}

    @classmethod
    def from_state(cls, state: Mapping[str, Array]) -> Normalise:
        """Undo `state`."""
        if missing := {"mean", "std"} - set(state):
            raise ValueError(f"expected 'mean' and 'std', {', '.join(sorted(missing))} is missing")
        return cls(np.array(state["mean"]), np.array(state["std"]))

    def check(self, shape: tuple[int, ...]) -> None:
        """Raise ValueError unless images (N, H, W, C) of this shape can be normalised."""
        expected = shape[1:] if self.mean.ndim == 3 else shape[3:]
        checks.has_shape("mean of the normalisation", self.mean, expected, "of the images")

    def tables(self, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Return m (H, W·C) and r (W·C,) float32, such that y = (x - m) · r for x from 0 to 255."""
        self.check(shape)
        _, h, w, c = shape
        mean = np.broadcast_to(self.mean.astype(np.float64) * 255, (h, w, c))
        scale = np.broadcast_to(1 / (255 * self.std.astype(np.float64)), (w, c))
        return (
            np.ascontiguousarray(mean.reshape(h, w * c), np.float32),
            np.ascontiguousarray(scale.reshape(w * c), np.float32),
        )

    def __call__(self, x: Array) -> Array:
        """Return images (N, H, W, C) uint8 as a batch (N, C, H, W) float32, channels-last."""
        x = checks.array("x", x)
        if x.dtype != np.uint8 or x.ndim != 4:
            raise TypeError(f"x: expected uint8 (N, H, W, C), got {x.dtype} {x.shape}")
        m, r = self.tables(x.shape)
        n, h, w, c = x.shape
        y: Array = (x.reshape(n, h, w * c).astype(np.float32) - m) * r
        return y.reshape(n, h, w, c).transpose(0, 3, 1, 2)

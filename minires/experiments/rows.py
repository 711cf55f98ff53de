"""What is recorded of a layer and of a residual block, and how norms are taken.

Norms are summed in float64: float32 squares of gradients below 1e-23 would underflow to zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from minires_kernels.arrays import module_of

from ..tensor import Array

CHUNK = 1 << 15  # numbers that are widened at a time: 256 kB, which stay in the cache
FLAT = 0.01  # a unit is saturated where its slope is below this share of the largest


def norm(a: Array) -> float:
    """Return the Euclidean norm of all elements, accumulated in float64.

    float32 needs no scaling: its smallest square, 1e-90, and its largest, 1e77, are float64
    numbers. float64 elements are divided by the largest first, so that no square underflows or
    overflows. For an array on a GPU the sums run there, and two numbers are waited for.
    """
    if a.size == 0:
        return 0.0
    xp = module_of(a)
    if xp is np and a.dtype in (np.float32, np.float16):
        return _narrow(a)
    wide = a.astype(np.float64)
    flat = wide.ravel(order="K") if xp is np else wide.ravel()  # CuPy offers no order "K"
    largest = float(xp.abs(flat).max())
    if largest == 0 or not np.isfinite(largest):  # infinities and NaN are results here
        return largest
    flat /= largest
    return largest * math.sqrt(float(flat @ flat))


def _narrow(a: Array) -> float:
    flat = a.ravel(order="K")  # a view, in whatever order the elements lie
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, CHUNK):
            wide = flat[start : start + CHUNK].astype(np.float64)
            total += float(wide @ wide)
    return math.sqrt(total) if total >= 0 else total  # NaN is a result here


def parts(whole: Array, part: Array) -> tuple[float, float, float | None]:
    """Return ‖whole - part‖, ‖part‖, and the cosine between the two (None if one is 0)."""
    xp = module_of(whole)
    if xp is not np or whole.dtype != np.float32 or whole.strides != part.strides:
        wide, other = whole.astype(np.float64), part.astype(np.float64)
        rest = wide - other
        sizes = norm(rest), norm(other)
        product = float(rest.ravel() @ other.ravel())
    else:
        a, b = whole.ravel(order="K"), part.ravel(order="K")
        sums = np.zeros(3)
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, a.size, CHUNK):
                other = b[start : start + CHUNK].astype(np.float64)
                rest = a[start : start + CHUNK].astype(np.float64) - other
                sums += rest @ rest, other @ other, rest @ other
        sizes, product = (math.sqrt(sums[0]), math.sqrt(sums[1])), float(sums[2])
    scale = sizes[0] * sizes[1]
    return *sizes, product / scale if scale > 0 and math.isfinite(scale) else None


def rms(a: Array) -> float:
    """Return the root mean square of all elements, accumulated in float64."""
    return norm(a) / math.sqrt(a.size) if a.size else 0.0


def dead_units(y: Array) -> float:
    """Return the fraction of units of a ReLU's output that are 0 on the whole batch."""
    return float(1 - alive_units(y).mean())


def alive_units(y: Array) -> Array:
    """Return which units of a ReLU's output are not 0 on the whole batch.

    A unit is a column of (N, units), a channel of (N, C, H, W), a feature of (N, T, features).
    """
    xp = module_of(y)
    if y.ndim in (2, 3):
        axes: tuple[int, ...] = tuple(range(y.ndim - 1))
    else:
        axes = (0, *range(2, y.ndim)) if y.ndim > 3 else ()
    return xp.asarray((y > 0).any(axis=axes) if axes else y > 0)  # type: ignore[no-any-return]


def saturated_units(y: Array, function: str) -> float:
    """Return the fraction of outputs of "tanh" or "sigmoid" at which the function is flat.

    Flat: its slope, 1 - y² or y (1 - y), is below 1 % of the largest, 1 or 1/4.
    """
    slope = 1 - y * y if function == "tanh" else 4 * y * (1 - y)
    return float((slope < FLAT).mean())


def alike(x: Array) -> float | None:
    """Return the mean cosine between the samples of x, 1 where they differ in length alone.

    None for a batch of one, and where a sample is 0 or not finite.
    """
    n = len(x) if x.ndim > 1 else 0
    if n < 2 or x.size == n:
        return None
    xp = module_of(x)
    rows = x.reshape(n, -1)
    with np.errstate(all="ignore"):
        rows = rows / xp.abs(rows).max(axis=1, keepdims=True)  # squares stay in range
        rows /= xp.sqrt((rows * rows).sum(axis=1, keepdims=True))
    total = rows.sum(axis=0, dtype=np.float64)  # Σ_ij cos_ij = ‖Σ_i x̂_i‖²
    found = (float(total @ total) - n) / (n * (n - 1))
    return found if math.isfinite(found) else None


@dataclass
class LayerRecord:
    """One call of one weight layer. `x` is its input; L the loss that was differentiated.

    stream        False for a layer inside a residual branch, whose input is not on the main path.
                  The first layer of a branch counts as on it: its `x` is the input of the block.
    forward_rms   root mean square of x
    w_norm        ‖W‖, of all the layer's matrices together
    dx_norm       ‖∂L/∂x‖, over the whole batch
    dw_norm       ‖∂L/∂W‖, the part that comes through this call
    dead_relu     fraction of units of the following ReLU (the last one before the next layer) that
                  are 0 on the whole batch
    update_ratio  ‖ΔW‖ / ‖W‖ of the optimiser's step (see `Recorder.measure_update`)
    uses          calls recorded with the same W: above 1, its rows share w_norm and update_ratio
    saturated     fraction of flat outputs of the following tanh or sigmoid (slope below 1 % of the
                  largest)
    alike         mean cosine between the x of two samples; only a profile has it

    Values that do not exist (the layer takes no float tensor, no ReLU follows, no backward ran) are
    None.
    """

    index: int
    name: str
    stream: bool
    forward_rms: float | None
    w_norm: float
    dx_norm: float | None = None
    dw_norm: float | None = None
    dead_relu: float | None = None
    update_ratio: float | None = None
    uses: int = 1
    saturated: float | None = None
    alike: float | None = None


@dataclass
class BlockRecord:
    """One residual sum, stream + branch: the signal of both, and the gradient at the block's input.

    ∂L/∂x = skip + branch, as vectors; so the norms do not add up unless the cosine says so.
    stream_rms, branch_rms are of the two terms of the sum, forward. What is not known is None: the
    parts of the gradient need a block that says where its branch begins (models.blocks.Residual).
    """

    index: int
    name: str
    dx_norm: float | None = None
    skip_norm: float | None = None
    branch_norm: float | None = None
    cosine: float | None = None
    stream_rms: float | None = None
    branch_rms: float | None = None

    @property
    def share(self) -> float | None:
        """branch_rms / stream_rms, None where one of them is not known or the stream is 0."""
        if self.branch_rms is None or not self.stream_rms:
            return None
        return self.branch_rms / self.stream_rms

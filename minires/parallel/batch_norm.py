"""Batch norm with statistics over all ranks.

forward    each rank has n values of a channel, their mean m and their mean square deviation v. Over
           all ranks, with N = Σ n:  mean = Σ n m / N,  var = Σ n (v + (m - mean)²) / N
           (Chan, Golub and LeVeque 1979); then y as with given mean and variance
backward   dx = weight/σ · (dy - mean(dy) - x̂ · mean(dy x̂)), both means over all ranks
           dweight = Σ dy x̂ and dbias = Σ dy of this rank: averaging the gradients adds them up

One sum over the ranks forward and one backward, of a few numbers per channel, in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minires_kernels import checks
from minires_kernels.arrays import module_of
from minires_kernels.backends import kernel_for

from .. import nn
from ..function import Context, Function
from ..nn.norms import _BatchNorm
from ..tensor import Array, Tensor
from .comm import Comm


def batch_norms(net: nn.Module) -> Iterator[_BatchNorm]:
    """Yield the batch norms of a net."""
    return (m for m in net.modules() if isinstance(m, _BatchNorm))


def synchronise(net: nn.Module, comm: Comm) -> None:
    """Let every batch norm of `net` use, while it trains, the statistics of all ranks' batches.

    Parameters, buffers and their names stay. Fused batch norm and ReLU run one after the other.
    """
    if comm.size > 1:
        for norm in batch_norms(net):
            norm.forward = _Synchronised(norm, comm)  # type: ignore[method-assign]


class _Synchronised:
    """The forward pass of one synchronised batch norm."""

    def __init__(self, norm: _BatchNorm, comm: Comm) -> None:
        self.norm, self.comm = norm, comm

    def __call__(self, x: Tensor) -> Tensor:
        norm = self.norm
        norm._check(x)
        running_mean, running_var, (batch_statistics, momentum, _) = norm._prepare()
        if not batch_statistics:
            return type(norm).forward(norm, x)

        def seen(mean: Array, var: Array, count: int) -> None:
            if norm.training and running_mean is not None:
                move = kernel_for("running_statistics", running_mean).forward
                move(running_mean, running_var, mean, var, count=count, momentum=momentum)

        y = SyncBatchNorm.apply(x, norm.weight, norm.bias, eps=norm.eps, comm=self.comm, seen=seen)
        return norm._counted(y)


class SyncBatchNorm(Function):
    """Batch norm of x (N, C[, H, W]) in training; N is this rank's share of the batch."""

    new_gradients = True

    @staticmethod
    def forward(
        ctx: Context,
        x: Array,
        weight: Array | None,
        bias: Array | None,
        *,
        eps: float,
        comm: Comm,
        seen: Any,
    ) -> Array:
        ctx.kernel = kernel_for("batch_norm", x)
        checks.no_zero_size("x", x, "N C H W"[: 2 * x.ndim - 1])
        mean, var, count = _statistics(x, comm)
        seen(mean, var, count)
        y, *saved = ctx.kernel.forward(x, weight, bias, mean, var, eps=eps)
        ctx.saved = (*saved, comm, count)
        return y  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Context, dy: Array) -> tuple[Array | None, ...]:
        *saved, comm, count = ctx.saved
        x, weight, mean, var, eps, _ = saved
        needs = (ctx.needs[0], True, True, False, False)  # for dx both sums are needed
        dx, dweight, dbias = ctx.kernel.backward(dy, *saved, needs=needs)
        if ctx.needs[0]:  # dx is that of constant mean and variance, dy · weight/σ
            xp = module_of(x)
            sums = comm.sum(xp.stack([dbias, dweight]).astype(xp.float64)) / count
            slope = 1 / xp.sqrt(var.astype(xp.float64) + eps)  # 1/σ, (C,)
            scale = slope if weight is None else slope * weight
            part = x - _channels(mean, x)  # becomes weight/σ (mean(dy) + x̂ mean(dy x̂))
            part *= _channels(scale * slope * sums[1], x)
            part += _channels(scale * sums[0], x)
            dx -= part
        return dx, dweight if ctx.needs[1] else None, dbias if ctx.needs[2] else None


def _channels(a: Array, x: Array) -> Array:
    """Return a (C,) so that it broadcasts along the channels of x, in its dtype."""
    return a.astype(x.dtype).reshape(1, -1, *(1,) * (x.ndim - 2))


def _statistics(x: Array, comm: Comm) -> tuple[Array, Array, int]:
    """Return mean and biased variance (C,) over all ranks, and the number of values."""
    xp, channels = module_of(x), x.shape[1]
    own = x.size // channels
    if own > 1:
        _, *saved = kernel_for("batch_norm", x).forward(x, None, None, None, None, eps=0.0)
        m, v = saved[2], saved[3]
    else:
        m, v = x.reshape(channels), xp.zeros(channels, x.dtype)
    # A row for each rank, zeros but for its own: the sum is exact, so all compute with the same.
    table = xp.zeros((comm.size, 2 * channels + 1), xp.float64)
    table[comm.rank, 0] = own
    table[comm.rank, 1 : channels + 1], table[comm.rank, channels + 1 :] = m, v
    comm.sum(table)
    n, m, v = table[:, :1], table[:, 1 : channels + 1], table[:, channels + 1 :]
    count = int(n.sum())
    if count < 2:
        raise ValueError("training needs at least 2 values per channel to have a variance")
    mean = (n * m).sum(axis=0) / count
    var = (n * (v + (m - mean) ** 2)).sum(axis=0) / count
    return mean.astype(x.dtype), var.astype(x.dtype), count

"""How long are the paths through which the gradient of a residual net flows?

A net of B blocks is a sum over 2^B paths: in each block along the shortcut or through the branch.
The number of paths through k branches is binomial, B over k, so most are about B/2 long; but the
gradient along one path shrinks with its length. Veit et al. 2016 (1605.06431, §4.2): what counts
in a net of 54 blocks are the paths of 5 to 17.

    found = paths.effective(net, x, y)
    found.low, found.mean, found.high, found.binomial_mean
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from minires_kernels import checks

from .. import functional as F
from .. import nn
from ..models.blocks import Block
from ..tensor import Array, Tensor
from .lesions import blocks, rerouted


@contextlib.contextmanager
def only_path(net: nn.Module, through: Collection[str]) -> Iterator[nn.Module]:
    """Within a `with` statement, let the gradient flow along one path; values do not change.

    `through` names the blocks whose branch it takes; in all others it takes the shortcut.
    """
    found = _residual_blocks(net)
    for name in through:
        if name not in found:
            raise ValueError(f"{name!r} is no residual block of the net; it has {', '.join(found)}")
    ways = {block: partial(_one_way, block, name in through) for name, block in found.items()}
    with rerouted(ways):
        yield net


def _one_way(block: Block, branch: bool, x: Tensor) -> Tensor:
    still = x.detach()
    return block.paths(x, still) if branch else block.paths(still, x)


def _residual_blocks(net: nn.Module) -> dict[str, Block]:
    found = {name: block for name, block in blocks(net).items() if block.skip}
    if not found:
        raise ValueError(f"{type(net).__name__} has no residual block, so it has one path only")
    return found


def gradient_norm(net: nn.Module, x: Array, y: Array, through: Collection[str]) -> float:
    """Return ‖∂L/∂x‖ (float64) at the net's input, along the path through the named branches.

    L is the mean cross-entropy of the batch x (N, …), y (N,). Batch norm takes what the net's mode
    says: an untrained net's running statistics mean nothing, so measure it in training mode; of a
    trained one take evaluation mode, where no image acts on the gradient of another. Running
    statistics and gradients are left as they were.
    """
    kept = [(buffer, buffer.copy()) for buffer in net.buffers()]
    frozen = [p for p in net.parameters() if p.requires_grad]
    for p in frozen:
        p.requires_grad_(False)
    try:
        start = Tensor(x, requires_grad=True)
        quiet = np.errstate(over="ignore", invalid="ignore")
        with only_path(net, through), quiet:
            F.cross_entropy(net(start), y).backward()
        if start.grad is None:
            raise RuntimeError("no gradient reached the input of the net")
        return float(np.linalg.norm(start.grad.astype(np.float64)))
    finally:
        for p in frozen:
            p.requires_grad_()
        for buffer, values in kept:
            buffer[...] = values


def by_length(
    net: nn.Module,
    x: Array,
    y: Array,
    lengths: Sequence[int] | None = None,
    draws: int = 6,
    seed: int = 0,
) -> dict[int, list[float]]:
    """Return gradient norms by path length: `draws` random paths through k branches, for each k.

    lengths   default: 0 to 16, then every third of the number of blocks
    """
    names = list(_residual_blocks(net))
    if lengths is None:
        lengths = [k for k in range(len(names) + 1) if k <= 16 or k % 3 == 0]
    rng, found = np.random.default_rng(checks.integer("seed", seed, 0)), {}
    for k in lengths:
        if checks.integer("lengths", k, 0) > len(names):
            raise ValueError(f"lengths: a path through {len(names)} blocks cannot take {k} of them")
        found[k] = [
            gradient_norm(net, x, y, rng.choice(names, k, replace=False).tolist())
            for _ in range(checks.integer("draws", draws, 1))
        ]
    return found


@dataclass(frozen=True)
class Effective:
    """Which path lengths carry the gradient of a net of `blocks` blocks.

    norms           {length: gradient norms of single paths}
    share           (blocks + 1,) of the gradient by length, adding up to 1: the number of paths
                    times the norm of one (geometric mean, interpolated between lengths)
    low, high       the central 95 % of the gradient comes from paths of low to high branches
    mean            mean length, weighted by share
    factor          of the norm per branch taken, fitted over the lengths measured
    """

    blocks: int
    norms: dict[int, list[float]]
    share: Array = field(compare=False)
    low: int
    high: int
    mean: float
    factor: float

    @property
    def binomial_mean(self) -> float:
        """The mean length of a path when all count alike."""
        return self.blocks / 2


def counts(n: int) -> list[int]:
    """Return how many paths there are through k of n branches, for k = 0 … n: binomial numbers."""
    return [math.comb(checks.integer("n", n, 1), k) for k in range(n + 1)]


def effective(
    net: nn.Module,
    x: Array,
    y: Array,
    lengths: Sequence[int] | None = None,
    draws: int = 6,
    seed: int = 0,
) -> Effective:
    """Measure which path lengths carry the gradient; the arguments are those of `by_length`.

    Raises ValueError if fewer than two lengths have a gradient that is finite and not 0.
    """
    norms = by_length(net, x, y, lengths, draws, seed)
    return weigh(len(_residual_blocks(net)), norms)


def weigh(n: int, norms: dict[int, list[float]]) -> Effective:
    """Weight the norms of single paths by the numbers of paths, in logarithms: 2^n overflows."""
    known = {
        k: float(np.mean(np.log(found)))
        for k, found in sorted(norms.items())
        if found and all(math.isfinite(v) and v > 0 for v in found)
    }
    if len(known) < 2:
        raise ValueError("the gradient of at least two path lengths must be finite and not 0")
    lengths, logs = list(known), list(known.values())
    slope, _ = np.polyfit(lengths, logs, 1)
    every = np.arange(n + 1)
    log_norm = np.interp(every, lengths, logs)
    beyond = every > lengths[-1]  # np.interp would go on at the last value
    log_norm[beyond] = logs[-1] + slope * (every[beyond] - lengths[-1])
    weights = np.array([math.log(c) for c in counts(n)]) + log_norm
    share = np.exp(weights - weights.max())
    share /= share.sum()
    below = np.cumsum(share)
    return Effective(
        n,
        norms,
        share,
        int(np.searchsorted(below, 0.025)),
        int(np.searchsorted(below, 0.975)),
        float(share @ every),
        float(np.exp(slope)),
    )

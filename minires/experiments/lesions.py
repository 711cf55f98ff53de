"""What remains of a trained net when blocks are deleted or change places.

Veit, Wilber and Belongie 2016 (1605.06431): a residual net without one block hardly notices, a
plain one falls apart; and the error grows smoothly with the number of blocks deleted or shuffled.

    with lesions.delete_blocks(net, ["layer2.1"]):
        net(x)
    rows = lesions.lesion(net, x, y, random=(1, 2, 4, 8), shuffles=(1, 2, 4))
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minires_kernels import checks

from .. import nn
from ..grad_mode import no_grad
from ..models.blocks import Block
from ..tensor import Array, Tensor


def blocks(net: nn.Module) -> dict[str, Block]:
    """Return the blocks of a net by their dotted names, in the order of the forward pass."""
    return {name: module for name, module in net.named_modules() if isinstance(module, Block)}


def keeps_shape(block: Block) -> bool:
    """Return whether a block's output has the shape of its input."""
    weights = [
        next(m for m in layer.modules() if isinstance(m, nn.Linear | nn.Conv2d))
        for layer, _, _ in block.layers()
    ]
    first, last = _ends(weights[0])[0], _ends(weights[-1])[1]
    steps = [w.stride for w in weights if isinstance(w, nn.Conv2d)]
    return first == last and all(step == (1, 1) for step in steps)


def _ends(layer: nn.Linear | nn.Conv2d) -> tuple[int, int]:
    if isinstance(layer, nn.Conv2d):
        return layer.in_channels, layer.out_channels
    return layer.in_features, layer.out_features


def deletable(net: nn.Module) -> list[str]:
    """Return the names of the blocks that can be deleted.

    All of a residual net; of a plain one those that keep the shape.
    """
    return [name for name, block in blocks(net).items() if block.skip or keeps_shape(block)]


def _without_branch(block: Block, x: Tensor) -> Tensor:
    """Return what the block makes of x when its branch gives 0; x itself of a plain block."""
    return block.without_branch(x) if block.skip else x


@contextlib.contextmanager
def delete_blocks(net: nn.Module, names: Sequence[str]) -> Iterator[nn.Module]:
    """Delete blocks within a `with` statement; after it the net is as before.

    Of a residual block the branch goes: x passes on along the shortcut, through what follows the
    addition. A plain block goes as a whole, which needs one that keeps the shape. Raises ValueError
    for a name that is no block, or cannot be deleted.
    """
    if isinstance(names, str):
        raise TypeError(f"names: expected a list of names, e.g. [{names!r}], got {names!r}")
    found = _chosen(net, names)
    for name, block in found.items():
        if not block.skip and not keeps_shape(block):
            raise ValueError(
                f"{name} is a plain block that changes the shape: without it nothing fits; "
                f"deletable are {', '.join(deletable(net))}"
            )
    with rerouted({block: partial(_without_branch, block) for block in found.values()}):
        yield net


@contextlib.contextmanager
def rerouted(forwards: Mapping[Block, Callable[[Tensor], Tensor]]) -> Iterator[None]:
    """Give blocks another forward within a `with` statement."""
    before = {block: block.__dict__.get("forward") for block in forwards}
    try:
        for block, forward in forwards.items():
            block.__dict__["forward"] = forward
        yield
    finally:
        for block, old in before.items():
            if old is None:
                block.__dict__.pop("forward", None)
            else:
                block.__dict__["forward"] = old


def _chosen(net: nn.Module, names: Sequence[str]) -> dict[str, Block]:
    have = blocks(net)
    for name in names:
        if name not in have:
            known = ", ".join(have) or "none"
            raise ValueError(f"{name!r} is no block of {type(net).__name__}; it has {known}")
    return {name: have[name] for name in names}


# ---- shuffling ----------------------------------------------------------------------------------
def exchangeable(net: nn.Module) -> list[list[str]]:
    """Return groups of names of blocks that may change places: their shapes are the same."""
    groups: dict[Any, list[str]] = {}
    for name, block in blocks(net).items():
        if keeps_shape(block):
            shapes = tuple(p.shape for p in block.parameters())
            groups.setdefault((name.rpartition(".")[0], shapes), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


@contextlib.contextmanager
def order_blocks(net: nn.Module, order: dict[str, str]) -> Iterator[nn.Module]:
    """Within a `with` statement, put at each place of `order` the block from another place.

    `order` maps places to the places their blocks come from: {"layer1.1": "layer1.2", "layer1.2":
    "layer1.1"} swaps two. Raises ValueError unless it is a permutation within `exchangeable` ones.
    """
    if sorted(order) != sorted(order.values()):
        raise ValueError("order: expected each place once, as a key and as a value")
    found = _chosen(net, list(order))
    group_of = {name: i for i, names in enumerate(exchangeable(net)) for name in names}
    for place, source in order.items():
        if place != source and (
            place not in group_of or group_of[place] != group_of.get(source, -1)
        ):
            raise ValueError(f"order: {source} does not fit at {place}; their shapes differ")
    homes = {name: (net.get_submodule(name.rpartition(".")[0]), name) for name in order}
    try:
        for place, (home, name) in homes.items():
            home._modules[name.rpartition(".")[2]] = found[order[place]]
        yield net
    finally:
        for home, name in homes.values():
            home._modules[name.rpartition(".")[2]] = found[name]


def swapped(net: nn.Module, swaps: int, rng: np.random.Generator) -> dict[str, str]:
    """Return an order for `order_blocks` after random swaps of two blocks of one shape."""
    groups = exchangeable(net)
    if not groups:
        raise ValueError(f"{type(net).__name__} has no two blocks of one shape to swap")
    order = {name: name for names in groups for name in names}
    sizes = np.array([len(names) * (len(names) - 1) for names in groups], float)
    for _ in range(swaps):
        names = groups[rng.choice(len(groups), p=sizes / sizes.sum())]
        a, b = rng.choice(names, 2, replace=False)
        order[a], order[b] = order[b], order[a]
    return order


def kendall_tau(order: dict[str, str]) -> float:
    """Return Kendall's rank correlation of an order with the original one: 1 if unchanged.

    τ = 1 - 2 · (pairs in the wrong order) / (all pairs), over all places of `order`.
    """
    place = {name: i for i, name in enumerate(order)}
    found = [place[source] for source in order.values()]
    pairs = list(itertools.combinations(found, 2))
    return 1 - 2 * sum(a > b for a, b in pairs) / len(pairs) if pairs else 1.0


# ---- measuring ----------------------------------------------------------------------------------
def error(net: nn.Module, x: Array, y: Array, batch_size: int = 500) -> float:
    """Return the fraction of misclassified samples in evaluation mode, batch after batch."""
    wrong = 0
    with in_mode(net, False), no_grad(), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), batch_size):
            batch = slice(start, start + batch_size)
            wrong += int((net(Tensor(x[batch])).data.argmax(axis=1) != y[batch]).sum())
    return wrong / len(x)


@contextlib.contextmanager
def in_mode(net: nn.Module, training: bool) -> Iterator[None]:
    """Set training or evaluation mode within a `with` statement; then each module has its own."""
    before = [(module, module.training) for module in net.modules()]
    net.train(training)
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


def lesion(
    net: nn.Module,
    x: Array,
    y: Array,
    *,
    single: bool = True,
    random: Sequence[int] = (),
    shuffles: Sequence[int] = (),
    draws: int = 5,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return the errors (fractions) of a trained net, whole and with lesions, a row for each.

    single     delete every deletable block, one at a time
    random     numbers of random blocks to delete at once, each `draws` times
    shuffles   numbers of random swaps of two blocks of one shape, each `draws` times

    A row has `lesion` ("none", "delete", "shuffle"), `block` (of one deleted), `blocks` (how many
    were deleted or swapped), `draw`, `kendall_tau` (of a shuffle) and `error`.
    """
    if len(x) != len(y) or not len(x):
        raise ValueError(f"expected as many labels as images, got {len(x)} and {len(y)}")
    names, rng = deletable(net), np.random.default_rng(checks.integer("seed", seed, 0))
    draws = checks.integer("draws", draws, 1)
    for k in random:
        if checks.integer("random", k, 1) > len(names):
            raise ValueError(f"random: {k} blocks cannot be deleted of {len(names)}")

    def row(kind: str, blocks: int, **more: Any) -> dict[str, Any]:
        empty = {"block": None, "draw": None, "kendall_tau": None}
        return {"lesion": kind, "blocks": blocks, **empty, **more, "error": error(net, x, y)}

    rows = [row("none", 0)]
    for name in names if single else ():
        with delete_blocks(net, [name]):
            rows.append(row("delete", 1, block=name))
    for k, draw in itertools.product(random, range(draws)):
        chosen = rng.choice(names, k, replace=False).tolist()
        with delete_blocks(net, chosen):
            rows.append(row("delete", k, draw=draw))
    for k, draw in itertools.product(shuffles, range(draws)):
        order = swapped(net, checks.integer("shuffles", k, 1), rng)
        with order_blocks(net, order):
            rows.append(row("shuffle", k, draw=draw, kendall_tau=kendall_tau(order)))
    return rows

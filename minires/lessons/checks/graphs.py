"""Computation graphs as plain dictionaries, and engines that walk them, right and wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..exercise import require

Inputs = Mapping[Any, Sequence[Any]]  # name -> the names that it reads
Send = Callable[[Any, float], Sequence[float]]


def order_of(inputs: Inputs, loss: Any) -> list[Any]:
    """Return the nodes that the loss depends on, each behind all of its readers."""
    order: list[Any] = []
    seen = set()

    def visit(name: Any) -> None:
        if name not in seen:
            seen.add(name)
            for source in inputs[name]:
                visit(source)
            order.append(name)

    visit(loss)
    return order[::-1]


def propagate(order: Sequence[Any], inputs: Inputs, send: Send) -> dict[Any, float]:
    """Return the gradient of each node; `send` gives what a node sends to its inputs."""
    gradients = {order[0]: 1.0}
    for name in order:
        for source, part in zip(inputs[name], send(name, gradients[name]), strict=True):
            gradients[source] = gradients.get(source, 0.0) + part
    return gradients


def overwriting(order: Sequence[Any], inputs: Inputs, send: Send) -> dict[Any, float]:
    """Do as propagate, but keep only the part that came last."""
    gradients = {order[0]: 1.0}
    for name in order:
        for source, part in zip(inputs[name], send(name, gradients[name]), strict=True):
            gradients[source] = part
    return gradients


def one_part_per_reader(order: Sequence[Any], inputs: Inputs, send: Send) -> dict[Any, float]:
    """Do as propagate, but take one part from a node that reads another twice."""
    gradients = {order[0]: 1.0}
    for name in order:
        parts = dict(zip(inputs[name], send(name, gradients[name]), strict=True))
        for source, part in parts.items():
            gradients[source] = gradients.get(source, 0.0) + part
    return gradients


def breadth_first(inputs: Inputs, loss: Any, send: Send) -> dict[Any, float]:
    """Visit nodes by their distance from the loss: parts that arrive late are not passed on."""
    gradients, queue = {loss: 1.0}, [loss]
    for name in queue:
        for source, part in zip(inputs[name], send(name, gradients[name]), strict=True):
            if source not in gradients:
                queue.append(source)
            gradients[source] = gradients.get(source, 0.0) + part
    return gradients


TEN = {
    "x": (), "w": (), "v": (), "c": (), "z": ("w", "x"), "a": ("z",), "f": ("v", "a"),
    "y": ("x", "f"), "e": ("y", "c"), "L": ("e", "e"),
}  # fmt: skip


def random_graph(seed: int, size: int = 12) -> dict[str, tuple[str, ...]]:
    """Return a graph in random order of its entries, with nodes that the loss does not need."""
    rng = np.random.default_rng(seed)
    inputs: dict[str, tuple[str, ...]] = {"n0": (), "n1": ()}
    for i in range(2, size):
        inputs[f"n{i}"] = tuple(f"n{j}" for j in rng.integers(max(0, i - 4), i, rng.integers(1, 3)))
    inputs |= {"L": (f"n{size - 1}", f"n{size - 3}"), "unused": ("n3", "L")}
    return {name: inputs[name] for name in rng.permutation(list(inputs)).tolist()}


def sender(inputs: Inputs, seed: int) -> tuple[Send, dict[str, list[float]]]:
    """Return a `send` with random local derivatives, and these."""
    rng = np.random.default_rng([seed, 1])
    slopes = {name: rng.uniform(0.5, 2, len(sources)).tolist() for name, sources in inputs.items()}
    return lambda name, dy: tuple(dy * slope for slope in slopes[name]), slopes


def checked_graph(found: Any) -> dict[str, tuple[str, ...]]:
    """Return a learner's graph; raises Wrong, saying what is no graph about it."""
    require(isinstance(found, dict), f"expected a dictionary, got {type(found).__name__}")
    require("L" in found, f'expected a node "L", the loss; the nodes are {list(found)}')
    require(len(found) <= 8, f"expected at most 8 nodes, got {len(found)}")
    inputs = {}
    for name, sources in found.items():
        require(
            isinstance(sources, tuple | list),
            f'{name!r}: expected a tuple of names such as ("x",), got {sources!r}',
        )
        for source in sources:
            require(source in found, f"{name!r} reads {source!r}, which is no node of the graph")
        inputs[name] = tuple(sources)
    return inputs


def refuse_cycles(inputs: Inputs, order: list[Any]) -> None:
    """Raise Wrong if a node depends on itself."""
    place = {name: i for i, name in enumerate(order)}
    for name in order:
        for source in inputs[name]:
            require(place[source] > place[name], f"the graph has a cycle through {name!r}")


def ones(inputs: Inputs) -> Send:
    """Return a `send` with local derivatives of 1."""
    return lambda name, dy: (dy,) * len(inputs[name])

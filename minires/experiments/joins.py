"""Residual sums in a recorded graph: which of two summed values is the stream, which the branch.

In y = s + F(s) the stream s, or what one projection or a few operations of one input make of it,
is also where the branch starts. So s is found among the ancestors of F(s), and weights on the way.
The sum of a recurrent net, W x + U h, has no such start, and neither has a bias or a mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

LONGEST_WAY, LARGEST_BRANCH = 8, 500  # operations on a shortcut; in a branch


class Graph(Protocol):
    """How to walk a framework's graph of recorded calls, from a value to its inputs."""

    def parents(self, node: Any) -> list[Any]:
        """Return the nodes of a call's inputs that want a gradient."""

    def parameter(self, node: Any) -> Any:
        """Return the parameter that a node is (a leaf), None for what is none."""

    def shows(self, node: Any) -> bool:
        """Return whether a call only shows its one input otherwise: transposed, reshaped, cast."""


@dataclass
class Join:
    """A residual sum: the node where its branch starts, and the nodes of the branch."""

    start: Any
    inside: set[Any]


def join(graph: Graph, stream: Any, branch: Any) -> Join | None:
    """Return what there is if the value of `branch` is a residual branch beside `stream`."""
    way = _shortcut(graph, stream)
    seen, inside, hits = {branch}, list[Any](), set[Any]()
    queue = [branch]
    while queue and len(inside) < LARGEST_BRANCH:
        node = queue.pop(0)
        if node in way:
            hits.add(node)
            continue
        inside.append(node)
        for parent in _inputs(graph, node)[0]:
            if parent not in seen:
                seen.add(parent)
                queue.append(parent)
    if not hits:
        return None
    start = min(hits, key=lambda node: way[node])
    between = _leading_to(graph, inside, hits)
    weights = sum(_inputs(graph, node)[1] for node in between)
    return Join(start, between) if weights > way[start] else None


def _shortcut(graph: Graph, stream: Any) -> dict[Any, int]:
    """Return the nodes on a shortcut, back to the input of a projection, each with its weights."""
    way, node = {stream: 0}, stream
    for _ in range(LONGEST_WAY):
        data, weighs = _inputs(graph, node)
        if len(data) != 1:
            break
        node = data[0]
        way[node] = int(weighs)
        if weighs:  # beyond it, what a projection reads: that alone, not where that comes from
            break
    return way


def _inputs(graph: Graph, node: Any) -> tuple[list[Any], bool]:
    """Return a call's inputs but for its parameters, and whether one of these is a matrix."""
    data, weighs = [], False
    for parent in graph.parents(node):
        p = _parameter(graph, parent)
        if p is None:
            data.append(parent)
        elif p.ndim >= 2:
            weighs = True
    return data, weighs


def _parameter(graph: Graph, node: Any) -> Any:
    """Return the parameter that a node shows, itself or transposed, cast, reshaped."""
    for _ in range(4):
        if (p := graph.parameter(node)) is not None:
            return p
        if not graph.shows(node):
            return None
        (node,) = graph.parents(node)
    return None


def _leading_to(graph: Graph, nodes: list[Any], ends: set[Any]) -> set[Any]:
    """Return those of `nodes` (consumers first) from which one of `ends` is reached."""
    found: set[Any] = set()
    before = -1
    while len(found) != before:
        before = len(found)
        for node in reversed(nodes):
            if any(p in ends or p in found for p in graph.parents(node)):
                found.add(node)
    return found

"""Lesson 0: how does backward() work?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..exercise import Exercise, Wrong, expect_array, expect_number, require, require_written
from .graphs import (
    TEN,
    Inputs,
    breadth_first,
    checked_graph,
    one_part_per_reader,
    ones,
    order_of,
    overwriting,
    propagate,
    random_graph,
    refuse_cycles,
    sender,
)


def _add(dy: float, a: float, b: float) -> tuple[float, float]:
    return dy, dy


def _mul(dy: float, a: float, b: float) -> tuple[float, float]:
    return dy * b, dy * a


def _relu(dy: float, a: float) -> float:
    return dy if a > 0 else 0.0


def _check_by_hand(f: Callable[..., Any]) -> None:
    found = f()
    require_written(found)
    parts = _sequence(found, 3, "the skip's part, the branch's part and their sum")
    expect_number(
        parts[0], 3.0, 1e-6, "the part by the skip",
        mistakes={
            "e is read twice by L = e·e, so it receives two parts": 1.5,
            "that is the value of y": 0.5,
        },
    )  # fmt: skip
    expect_number(
        parts[1], -1.5, 1e-6, "the part by the branch",
        mistakes={
            "its sign: v is negative": 1.5,
            "that is what arrives at a; two more operations follow": -0.75,
        },
    )  # fmt: skip
    expect_number(
        parts[2], 1.5, 1e-6, "dL/dx",
        mistakes={"both parts arrive at x, not only the skip's": 3.0,
                  "both parts arrive at x, not only the branch's": -1.5,
                  "add the parts with their signs": 4.5},
    )  # fmt: skip


def _check_add(f: Callable[..., Any]) -> None:
    for dy, a, b in _triples(0):
        found = f(dy, a, b)
        require_written(found)
        expect_array(
            _sequence(found, 2, "one gradient for a and one for b"), np.array([dy, dy]),
            f"what a + b sends for dy = {dy:.3g}, a = {a:.3g}, b = {b:.3g}",
            mistakes={"dy is not shared out: each input gets all of it": np.array([dy, dy]) / 2,
                      "that is the rule of a product": np.array([dy * b, dy * a]),
                      "the local derivatives alone: they are to be multiplied by dy": np.ones(2)},
        )  # fmt: skip


def _check_mul(f: Callable[..., Any]) -> None:
    for dy, a, b in _triples(1):
        found = f(dy, a, b)
        require_written(found)
        expect_array(
            _sequence(found, 2, "one gradient for a and one for b"), np.array([dy * b, dy * a]),
            f"what a · b sends for dy = {dy:.3g}, a = {a:.3g}, b = {b:.3g}",
            mistakes={"each input gets its own value; if a grows by 1, by how much does a·b grow?":
                      np.array([dy * a, dy * b]),
                      "dy is missing": np.array([b, a]),
                      "that is the rule of a sum": np.array([dy, dy])},
        )  # fmt: skip


def _check_relu(f: Callable[..., Any]) -> None:
    backwards = {
        "the condition is the wrong way round": 0.0,
        "that is the forward pass": 2.0,
        "that is the local derivative; dy is missing": 1.0,
        "that is dy times the value; which slope has max(a, 0) at a?": 1.4,
    }
    expect_number(f(0.7, 2.0), 0.7, 1e-9, "what ReLU sends for dy = 0.7, a = 2", mistakes=backwards)
    for dy, a, _ in [*_triples(2), (1.3, 0.0, 0.0), (-0.7, 2.0, 0.0), (-0.7, -2.0, 0.0)]:
        expect_number(
            f(dy, a), dy if a > 0 else 0.0, 1e-9, f"what ReLU sends for dy = {dy:.3g}, a = {a:.3g}",
            mistakes={"at exactly 0 let it send 0": dy} if a == 0 else
                     {"it passes, whatever the sign of a": dy} if a < 0 and dy < 0 else
                     {"that is max(dy, 0): the value a decides, not dy": max(dy, 0.0),
                      "that is the local derivative; dy is missing": float(a > 0)},
        )  # fmt: skip


def _triples(seed: int) -> list[tuple[float, float, float]]:
    rows = np.random.default_rng(seed).uniform(-3, 3, (12, 3)).tolist()
    return [tuple(row) for row in rows]


def _sequence(found: Any, length: int, what: str) -> list[Any]:
    """Return the values of a tuple, list or array of that length."""
    if not isinstance(found, tuple | list | np.ndarray) or len(found) != length:
        raise Wrong(f"expected {length} values ({what}), got {found!r}")
    return list(found)


def _check_order(f: Callable[..., Any]) -> None:
    for inputs in [TEN, *map(random_graph, range(12))]:
        found = f(dict(inputs), "L")
        require_written(found)
        require(
            isinstance(found, tuple | list), f"expected a list of names, got {type(found).__name__}"
        )
        _judge_order(list(found), inputs)


def _judge_order(found: list[Any], inputs: Inputs) -> None:
    shown = f"for the graph {dict(inputs)} yours is {found}"
    needed = set(order_of(inputs, "L"))
    for name in found:
        require(name in inputs, f"{name!r} is no node; {shown}")
        require(found.count(name) == 1, f"{name!r} stands there {found.count(name)} times; {shown}")
        require(name in needed, f"the loss does not depend on {name!r}: leave it out; {shown}")
    for name in order_of(inputs, "L"):
        aside = [n for n, sources in inputs.items() if name in sources and n not in needed]
        why = f" ({aside[0]!r}, which reads it, is not there, and is not needed)" if aside else ""
        require(name in found, f"{name!r} is missing, and the loss depends on it{why}; {shown}")
    require(found[0] == "L", f"the list begins with {found[0]!r}, not with the loss; {shown}")
    place = {name: i for i, name in enumerate(found)}
    for name in found:
        for source in inputs[name]:
            require(
                place[source] > place[name],
                f"{source!r} stands before {name!r}, which reads it: it would send too early; "
                + shown,
            )


def _check_propagate(f: Callable[..., Any]) -> None:
    chain: dict[str, tuple[str, ...]] = {"a": (), "b": ("a",), "L": ("b",)}
    block = {"x": (), "f": ("x",), "L": ("x", "f")}
    for seed, inputs in enumerate([chain, block, TEN, *map(random_graph, range(5))]):
        send, _ = sender(inputs, seed)
        order = order_of(inputs, "L")
        found = f(list(order), dict(inputs), send)
        require_written(found)
        require(
            isinstance(found, dict) and set(order) <= set(found),
            f"expected a dictionary with a gradient for each of {order}, got {found!r}",
        )
        right = propagate(order, inputs, send)
        wrong = {
            "the parts that arrive over several ways are not added up":
                overwriting(order, inputs, send),
            "a node may be read twice by one and the same node, as in e·e":
                one_part_per_reader(order, inputs, send),
        }  # fmt: skip
        for name in order:
            expect_number(
                found[name], right[name], 1e-9, f"the gradient of {name!r} in {dict(inputs)}",
                mistakes={why: gradients[name] for why, gradients in wrong.items()},
            )  # fmt: skip


def _check_catches(f: Callable[..., Any]) -> None:
    found = f()
    require_written(found)
    inputs = checked_graph(found)
    try:
        order = order_of(inputs, "L")
    except RecursionError:
        raise Wrong("the graph has a cycle: a node depends on itself") from None
    refuse_cycles(inputs, order)
    differences = []
    for seed in range(5):
        send, _ = sender(inputs, seed)
        right, wrong = propagate(order, inputs, send), breadth_first(inputs, "L", send)
        differences.append(max(abs(right[n] - wrong.get(n, 0.0)) / right[n] for n in order))
    if max(differences) > 1e-9:
        return
    readers = {n: sum(list(sources).count(n) for sources in inputs.values()) for n in order}
    require(
        any(count > 1 for count in readers.values()),
        "no node of your graph is read twice: on a chain every engine is right",
    )
    require(
        any(readers[n] > 1 and inputs[n] for n in order),
        "the engine gets your graph right: the node that is read twice is a leaf, so it sends "
        "nothing on, and a part that arrives late is still added",
    )
    raise Wrong(
        "the engine gets your graph right: the ways to the node that is read twice are equally "
        "long, so nothing arrives late"
    )


def _check_ratio(f: Callable[..., Any]) -> None:
    for layers in (3, 2, 8, 50, 1):
        expect_number(
            f(layers), (2 * layers - 1) / layers, 1e-6, f"{layers} layers",
            mistakes={"nearly: the first layer has no gradient to send on": 2.0,
                      "that is forward and backward together": (3 * layers - 1) / layers,
                      "that is the number of products on the way back": 2 * layers - 1,
                      "that is one product for each layer; how many gradients does it send?": 1.0,
                      "only one of the first layer's two products is saved":
                      2 * (layers - 1) / layers,
                      "that is forward over backward": layers / (2 * layers - 1)},
        )  # fmt: skip


EXERCISES = {
    "0.1": Exercise(
        _check_by_hand,
        lambda: (3.0, -1.5, 1.5),
        hints=(
            "First the values, from the leaves on: z, a, f, y, e, L. Then one more number for each "
            "of them, from L back.",
            "You should find y = 0.5 and e = 1.5. What does e·e send to e, counted twice?",
            "The addition hands what it gets to x unchanged: that is the skip's part. The branch's "
            "part is the same number times v times the slope of ReLU times w.",
        ),
        kind="number",
        wrong=(lambda: (1.5, -0.75, 0.75), lambda: (3.0, 1.5, 4.5), lambda: (3.0, -1.5, 3.0)),
    ),
    "0.2": Exercise(
        _check_add,
        _add,
        hints=(
            "If a grows by a little and b stays, by how much does a + b grow?",
            "Both local derivatives of a sum are the same number, whatever a and b are.",
            "Each of the two inputs is sent the upstream gradient as it is.",
        ),
        kind="line",
        wrong=(lambda dy, a, b: (dy / 2, dy / 2), _mul),
    ),
    "0.3": Exercise(
        _check_mul,
        _mul,
        hints=(
            "Keep b fixed. How steeply does a · b grow with a?",
            "The local derivative with respect to one factor is the other factor.",
            "What a is sent is dy times b; what b is sent follows by exchanging the two.",
        ),
        kind="line",
        wrong=(lambda dy, a, b: (dy * a, dy * b), lambda dy, a, b: (b, a)),
    ),
    "0.4": Exercise(
        _check_relu,
        _relu,
        hints=(
            "Where max(a, 0) equals a its slope is 1; where it equals 0 its slope is 0.",
            "Which number decides between the two: the upstream gradient or the value a?",
            "If a is positive the upstream gradient passes unchanged, else 0 is sent.",
        ),
        kind="line",
        wrong=(lambda dy, a: max(dy, 0.0), lambda dy, a: dy, lambda dy, a: dy * (a >= 0)),
    ),
    "0.5": Exercise(
        _check_order,
        order_of,
        hints=(
            "A node may stand in the list only when all of its readers stand there already.",
            "It is easier the other way round: make a list in which each node stands behind "
            "everything that it reads, and turn it round at the end.",
            "Write visit(name): if the name is new, remember it, visit each node that it reads, "
            "and only then append the name. Visit the loss, and return the list reversed.",
        ),
        kind="function",
        wrong=(
            lambda inputs, loss: list(inputs)[::-1],
            lambda inputs, loss: list(breadth_first(inputs, loss, ones(inputs))),
        ),
    ),
    "0.6": Exercise(
        _check_propagate,
        propagate,
        hints=(
            "Compare the two printed lines. Which nodes are wrong, and how many arrows leave them "
            "in the graph?",
            "When the second part arrives at x, what happens to the first one?",
            "A gradient begins at zero, and each part that arrives is added to what is there.",
        ),
        kind="bug",
        wrong=(overwriting, one_part_per_reader),
    ),
    "0.7": Exercise(
        _check_catches,
        lambda: {"u": (), "x": ("u",), "z": ("x",), "f": ("z",), "L": ("x", "f")},
        hints=(
            "The engine is wrong when a node sends before all of its parts have arrived. When does "
            "the author's test not notice?",
            "The node that is read twice must itself read a node, to which it sends too little.",
            "Let x read a leaf, and make the branch longer than the skip, so that its part comes "
            "late.",
        ),
        kind="design",
        wrong=(
            lambda: {"x": (), "f": ("x",), "L": ("x", "f")},
            lambda: {"u": (), "x": ("u",), "L": ("x",)},
            lambda: {"u": (), "x": ("u",), "f": ("x",), "g": ("x",), "L": ("f", "g")},
        ),
    ),
    "0.8": Exercise(
        _check_ratio,
        lambda layers: (2 * layers - 1) / layers,
        hints=(
            "How many products does one layer need on the way forward, and how many on the way "
            "back?",
            "All layers but one need both of their products on the way back.",
            "Count two for each layer, take away the one that the first layer does not need, and "
            "divide by the number of layers.",
        ),
        kind="function",
        wrong=(lambda layers: 2.0, lambda layers: (3 * layers - 1) / layers),
    ),
}

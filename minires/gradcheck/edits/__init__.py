"""Edits: a model of the mistakes that people make in backward passes.

From a function's source, and the values of one run where there was one, `edits_of` lists small
changes with their family and cost. The diagnosis tries them on wrong functions, `minires mutate`
makes right ones wrong with them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .adjoint import adjoint, turned
from .arrays import arrays, calls
from .beside import beside, slices, states, windows
from .broadcast import broadcast
from .forgotten import forgotten
from .indices import indices, sizes
from .masks import masks
from .names import attributes, factors, models, names
from .operators import operators
from .scene import UNKNOWN, Scene, fits
from .source import Edit, NoSource, Source
from .statements import inserted, statements
from .values import Probe, Seen, instrumented

__all__ = [
    "UNKNOWN",
    "Edit",
    "NoSource",
    "Probe",
    "Scene",
    "Seen",
    "Source",
    "edits_of",
    "fits",
    "instrumented",
]

STORED = (indices, windows)
EXPRESSIONS = (
    operators, calls, indices, names, attributes, arrays, sizes, factors, models, broadcast,
    windows, states, forgotten, masks, adjoint,
)  # fmt: skip


def edits_of(scene: Scene) -> Iterator[Edit]:
    """Yield every edit of the scene's function, in the order of the source."""
    source = scene.source
    for s in source.statements():
        yield from statements(scene, s)
        yield from inserted(scene, s)
        yield from beside(scene, s)
        yield from slices(scene, s)
        yield from turned(scene, s)
    for node in source.nodes[1:]:
        if isinstance(node, ast.expr) and _editable(source, node):
            owner = source.owner.get(id(node))
            stored = not isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
            for rule in STORED if stored else EXPRESSIONS:
                yield from rule(scene, node, owner)


def _editable(source: Source, node: ast.expr) -> bool:
    """Whether an expression belongs to the body, and is neither a function nor a module."""
    parent, field = source.place[id(node)]
    if isinstance(node, ast.Starred):  # several arguments, no value
        return False
    if isinstance(node, ast.Name) and node.id in ("np", "numpy", "math"):
        return False
    if isinstance(parent, ast.Call) and field == "func":
        return False
    at: ast.AST = node
    while id(at) in source.place:
        at, field = source.place[id(at)]
        if isinstance(at, ast.arguments) or field in ("decorator_list", "returns", "annotation"):
            return False
        if isinstance(at, ast.JoinedStr | ast.Raise | ast.Assert):
            return False
    return True

"""The sentence of each family: what the rule is, in the function's own names, and its lesson."""

from __future__ import annotations

import ast

from ..edits import Source

RULES = {
    "sign": (
        "{what} has the wrong sign: a minus of the forward pass stays a minus in its derivative, "
        "and d(1/u) = -du/u²", 0),
    "missing term": (
        "{what} lacks a term: every path from an input to the output adds its own product to the "
        "gradient", 0),
    "detached path": (
        "{what} leaves out a path: a statistic (a mean, a variance, a gate) depends on the input "
        "too, and its gradient has to be added", 4),
    "stale or overwritten buffer": (
        "{what} uses a value that is no longer, or not yet, the one that is meant: backward needs "
        "the values of the forward pass, in the reverse order of its steps", 0),
    "not accumulated": (
        "{what} replaces what was there: where a value is used several times, the gradients of all "
        "uses are added (+=, or np.add.at for repeated indices)", 0),
    "wrong scale": (
        "{what} is off by a constant factor: a mean over N divides its gradient by N, and "
        "constants of the forward pass go through unchanged", 1),
    "transposed": (
        "{what} multiplies in the wrong order or without a transpose: for y = a @ b the gradients "
        "are dy @ b.T and a.T @ dy", 1),
    "not flipped": (
        "{what} runs in the wrong direction: the gradient of a correlation is a convolution, and "
        "that of a running sum runs backwards", 16),
    "off by one": (
        "{what} is shifted by an element: backward sends each gradient to the very index that "
        "forward read", 16),
    "wrong stride/padding": (
        "{what} does not follow forward's stride or padding: backward visits the places that "
        "forward visited", 16),
    "missing broadcast sum": (
        "{what} is not summed over what was broadcast: a value that forward used several times "
        "collects the gradients of all its copies", 0),
    "wrong mask/branch": (
        "{what} chooses other elements than forward did: the gradient flows only where forward let "
        "the value through", 1),
    "missing upstream dy": (
        "{what} does not multiply by the upstream gradient {dy}: the chain rule is {dy} times the "
        "local derivative, exactly once", 0),
    "not finite": (
        "{what} divides by zero, or takes the logarithm or the exponential of what it cannot: use "
        "forward's own guarded expression", 1),
    "wrong axis": (
        "{what} works along another axis than forward", 4),
    "wrong variable": (
        "{what} uses another value than the one that is meant", 1),
    "wrong factor": (
        "{what} has a wrong factor: the local derivative is that of the function at its own input, "
        "each factor once", 0),
    "eps placement": (
        "{what} has another epsilon, or in another place, than forward: √(v + ε) is not √v + ε", 4),
    "order of reshape": (
        "{what} puts elements in another order: backward undoes forward's reshapes and transposes, "
        "the last one first", 16),
    "dtype or integer division": (
        "{what} computes with whole numbers or a shorter dtype, and cuts off what does not fit", 1),
    "in-place modification": (
        "{what} writes into an array that is not its own: work on a copy", 0),
}  # fmt: skip


def sentence(source: Source, family: str, line: int, before: str, after: str) -> str:
    """Return the rule that a line breaks, with the lesson that teaches it."""
    rule, lesson = RULES[family]
    arguments = [a.arg for a in source.root.args.args if a.arg not in ("self", "ctx", "cls")]
    dy = arguments[0] if arguments else "dy"
    said = rule.format(what=_target(source, line), dy=dy)
    return f"{said} (lesson {lesson})"


def _target(source: Source, line: int) -> str:
    """Return what the statement at a line makes: `dx`, or "what backward returns"."""
    for s in source.statements():
        if s.lineno <= line <= (s.end_lineno or line) and not isinstance(s, ast.FunctionDef):
            if isinstance(s, ast.For | ast.While | ast.If | ast.With):
                if s.lineno == line:
                    return "the condition" if isinstance(s, ast.If) else "the loop"
                continue
            if isinstance(s, ast.Assign):
                return f"`{source.segment(s.targets[0])}`"
            if isinstance(s, ast.AugAssign):
                return f"`{source.segment(s.target)}`"
            if isinstance(s, ast.Return):
                return "what is returned"
            break
    return "this line"

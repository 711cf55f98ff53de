"""The sentence of each family: what the rule is, in the function's own names, and its lesson."""

from __future__ import annotations

import ast
import difflib
import re

from ..edits import Source

COUNTS = re.compile(r"\.shape\[-?\d+\]|\blen\(|\.size\b|\bmean\b|\bsum\b|\bcount\w*|\b[nm]\b")
RULES = {
    "sign": (
        "{what} has the wrong sign: a minus of the forward pass stays a minus in its derivative, "
        "and d(1/u) = -du/u²", 0),
    "missing term": (
        "{what} lacks a term: every path from an input to the output adds its own product to the "
        "gradient", 0),
    "detached path": (
        "{what} leaves out a way by which the input reaches the output: the gradients of all ways "
        "are added, also of those through a mean, a variance or a gate", 4),
    "stale or overwritten buffer": (
        "{what} uses a value that is no longer, or not yet, the one that is meant: backward needs "
        "the values of the forward pass, in the reverse order of its steps", 0),
    "not accumulated": (
        "{what} replaces what was there: where a value is used several times, the gradients of all "
        "uses are added (+=, or np.add.at for repeated indices)", 0),
    "wrong scale": (
        "{what} is off by a constant factor: what multiplies in the forward pass multiplies its "
        "gradient too, and d(u²) is 2u du", 1),
    "transposed": (
        "{what} multiplies in the wrong order or without a transpose: for y = a @ b the gradients "
        "are dy @ b.T and a.T @ dy", 1),
    "not flipped": (
        "{what} runs in the wrong direction: what forward mirrored is mirrored again, and what it "
        "ran through from the start is run through from the end", 16),
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
        "{what} does not multiply by the upstream gradient `{dy}`: the chain rule is `{dy}` times "
        "the local derivative, exactly once", 0),
    "not finite": (
        "{what} {breaks}: where forward guards against that, backward has to as well", 1),
    "wrong axis": (
        "{what} works along another axis than forward: a sum or a mean over an axis sends its "
        "gradient back along that axis", 4),
    "wrong variable": (
        "{what} uses {taken}", 1),
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


VARIANTS = {  # what an edit shows beyond its family, and what is said then
    "too many": "{what} has a term too many: each way from an input to the output counts once",
    "overwritten": (
        "{what} overwrites the gradient that is already there: the gradients of all uses are added"
    ),
    "shared": (
        "{what} gives two names, or rows, one array, so that what is written to one is in the "
        "other: each needs its own"
    ),
    "left over": "{what} still holds what was there before: clear it first",
    "count": (
        "{what} is off by a factor: a mean over N elements divides its gradient by N, a sum does "
        "not, and N counts the elements that forward averaged"
    ),
    "repeated": (
        "+= on {what} adds only once where an index occurs several times: np.add.at adds every time"
    ),
    "kernel": (
        "{what} runs in the wrong direction: the gradient of a correlation is a convolution, with "
        "the kernel flipped, and the reverse"
    ),
    "range": "{what} ends too early or too late: backward visits the indices that forward visited",
}


def sentence(source: Source, family: str, line: int, before: str, after: str) -> str:
    """Return the rule that a line breaks, with the lesson that teaches it."""
    rule, lesson = RULES[family]
    rule = VARIANTS.get(_variant(family, before, after), rule)
    arguments = [a.arg for a in source.root.args.args if a.arg not in ("self", "ctx", "cls")]
    dy = arguments[0] if arguments else "dy"
    said = rule.format(what=_target(source, line), dy=dy, taken=_taken(before, after),
                       breaks=_breaks(before))  # fmt: skip
    return f"{said} (lesson {lesson})"


def _variant(family: str, before: str, after: str) -> str:
    """Return what the two texts show beyond the family."""
    if family == "missing term" and len(after) < len(before):
        return "too many"
    if family == "stale or overwritten buffer":
        if "+=" in after and "+=" not in before:
            return "overwritten"
        if (before.count(" = ") > 1 and "\n" not in before) or "] * " in before:
            return "shared"
        cleared = re.search(r"\] = 0(\.0*)?\n", after) and "\n" not in before
        return "left over" if cleared or ("+=" in before and "+=" not in after) else ""
    if family == "not accumulated" and "+=" in before and ".at(" in after:
        return "repeated"
    if family == "not flipped" and re.search(r"convolve|correlate|kernel|rot90", before + after):
        return "kernel"
    if family == "wrong scale" and any(COUNTS.search(x) for x in _regions(before, after)):
        return "count"
    if family == "off by one" and "range(" in before:
        return "range"
    return ""


def _regions(before: str, after: str) -> list[str]:
    """Return the words of each text that the other has not at that place."""
    words = [re.findall(r"\w+(?:\.\w+)*[(\[]?-?\d*\]?|\S", text) for text in (before, after)]
    steps = difflib.SequenceMatcher(None, words[0], words[1], autojunk=False).get_opcodes()
    changed = [(a, b, c, d) for tag, a, b, c, d in steps if tag != "equal"]
    if not changed:
        return []
    (a, _, c, _), (_, b, _, d) = changed[0], changed[-1]
    return ["".join(words[0][max(0, a - 1) : b + 1]), "".join(words[1][max(0, c - 1) : d + 1])]


def _breaks(before: str) -> str:
    if "log(" in before:
        return "takes the logarithm of zero, or of what is below it"
    if "exp(" in before:
        return "takes the exponential of a number that is too large"
    return "divides by zero"


def _taken(before: str, after: str) -> str:
    """Return "`x` where `s` belongs" if one name was taken for another."""
    words = [re.findall(r"[A-Za-z_][\w.]*", text) for text in (before, after)]
    mine, theirs = (dict.fromkeys(w for w in words[k] if w not in words[1 - k]) for k in (0, 1))
    pairs = {(a, b) for a, b in zip(*words, strict=False) if a != b}
    if len(words[0]) == len(words[1]) and len(pairs) == 1:
        ((a, b),) = pairs
    elif len(mine) == len(theirs) == 1:
        a, b = next(iter(mine)), next(iter(theirs))
    else:
        return "another value than the one that is meant"
    return f"`{a}` where `{b}` belongs: look at what forward does with each of them"


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

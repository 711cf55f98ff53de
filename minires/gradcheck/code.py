"""Checking a pair of the user's with inputs given by name or made by the file; which to type."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..function import Function
from .check import check_backward, gradcheck
from .forms.context import is_context_class
from .pairs import Pair
from .report import GradcheckReport

_SUGGESTED = (  # tried in turn by `suggestion`: dense layers, then images
    {
        "x": "(4,5)", "w": "(5,3)", "b": "(3)", "y": "int(4)<3", "gamma": "(5)", "beta": "(5)",
        "h": "(4,3)", "": "(4,5)",
    },
    {
        "x": "(2,3,6,6)", "w": "(4,3,3,3)", "b": "(4)", "y": "(2,3,6,6)", "gamma": "(3)",
        "beta": "(3)", "": "(2,3,6,6)",
    },
    {"x": "(4,5)", "w": "(3,5)", "b": "(3)", "y": "(4,5)", "": "(4,5)"},
)  # fmt: skip
_MEANT = {
    "x": ("x", "a", "input", "inputs", "inp", "data", "z", "u", "s"),
    "w": ("w", "weight", "weights", "kernel", "k", "wx", "w1", "filters"),
    "b": ("b", "bias", "b1"),
    "y": ("y", "t", "target", "targets", "label", "labels"),
}


_OURS = frozenset(inspect.signature(check_backward).parameters)


def check_pair(pair: Pair, given: Any, **options: Any) -> GradcheckReport:
    """Check a pair with inputs: a mapping by name, a sequence, or one array.

    ValueError says which inputs are missing or not taken.
    """
    pair, given = _made(pair, given)
    arguments, keywords = arranged(pair, given)
    ours = {name: keywords.pop(name) for name in list(keywords) if name in _OURS}
    forward, backward = _bound(pair.forward, ours), _bound(pair.backward, ours)
    if backward is None:
        return gradcheck(forward, *arguments, **options, **keywords)
    options |= keywords
    return check_backward(forward, backward, *arguments, **options)


def _made(pair: Pair, given: Any) -> tuple[Pair, Any]:
    """Make the layer whose class is checked, from those inputs that its constructor takes.

    A class whose forward takes a context is left as it is.
    """
    layer = pair.forward
    if not isinstance(layer, type) or issubclass(layer, Function) or is_context_class(layer):
        return pair, given
    parameters = [] if layer.__init__ is object.__init__ else constructor(layer)
    named = given if isinstance(given, Mapping) else {}
    missing = [p.name for p in parameters if p.default is p.empty and p.name not in named]
    if missing:
        raise ValueError(
            f"{layer.__name__}({', '.join(p.name for p in parameters)}) also needs "
            f"{' and '.join(missing)}: give them by name among the inputs"
        )
    own = {p.name: named[p.name] for p in parameters if p.name in named}
    rest = {name: x for name, x in named.items() if name not in own} if named else given
    made: Any = layer(**own)
    return Pair(pair.name, made), rest


def constructor(layer: type) -> list[inspect.Parameter]:
    """Return the parameters that a class needs or takes to make a layer."""
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [p for p in inspect.signature(layer).parameters.values() if p.kind not in kinds]


def _bound(f: Any, keywords: Mapping[str, Any]) -> Any:
    """Return `f` with those keywords that it takes and that are words of `check_backward`, too."""
    own = {p.name: keywords[p.name] for p in (taken(f) if keywords else []) if p.name in keywords}
    return functools.wraps(f)(functools.partial(f, **own)) if own else f


def arranged(pair: Pair, given: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return inputs in the order of forward's arguments, up to the last given, and by keyword."""
    if not isinstance(given, Mapping):
        return list(given) if isinstance(given, list | tuple) else [given], {}
    parameters = taken(pair.forward)
    if not any(p.name in given for p in parameters):
        unnamed = all(name.startswith("arr_") for name in given)  # np.savez(file, x, w)
        if unnamed or any(p.kind is p.VAR_POSITIONAL for p in parameters):
            return list(given.values()), {}
    names = [p.name for p in parameters]
    wrong = [name for name in given if name not in names]
    missing = [p.name for p in parameters if p.default is p.empty and p.name not in given]
    if wrong or missing:
        called = f"{getattr(pair.forward, '__name__', pair.name)}({', '.join(names)})"
        said = [f"it has no {', no '.join(wrong)}"] if wrong else []
        said += [f"it also needs {' and '.join(missing)}"] if missing else []
        raise ValueError(f"inputs for {called}: {'; '.join(said)}")
    keywords = {
        p.name: given[p.name] for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in given
    }
    ordered = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    last = max((i for i, p in enumerate(ordered) if p.name in given), default=-1)
    return [given.get(p.name, p.default) for p in ordered[: last + 1]], keywords


def taken(forward: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters of a forward pass, without `self`, `ctx` and `**options`."""
    function = getattr(forward, "forward", forward)  # of a class, or an object of one
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    return [p for p in parameters if p.name not in ("self", "ctx") and p.kind is not p.VAR_KEYWORD]


def made(name: str, maker: Any, seed: int) -> Any:
    """Return what the file's `inputs` gives: a function's result, of a seed if it takes one."""
    if not callable(maker):
        return maker
    needed = [
        p.name
        for p in inspect.signature(maker).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) > 1:
        raise ValueError(f"{name}({', '.join(needed)}): expected one argument, the seed, or none")
    takes = needed or "seed" in inspect.signature(maker).parameters
    value = np.random.default_rng(seed) if needed == ["rng"] else seed
    return maker(value) if takes else maker()


def needed(pair: Pair) -> list[inspect.Parameter]:
    """Return all that a pair takes by name: for a layer, what its constructor takes comes first."""
    layer = pair.forward
    if not isinstance(layer, type) or issubclass(layer, Function) or is_context_class(layer):
        return taken(layer)
    own = [] if layer.__init__ is object.__init__ else constructor(layer)
    return own + taken(layer)


def suggestion(pair: Pair, from_text: Callable[[str], Mapping[str, Any]]) -> str:
    """Return inputs to type for a pair, with shapes that its forward pass takes if some do."""
    names = [p.name for p in needed(pair) if p.default is p.empty]
    texts = [" ".join(f"{name}={_shape(name, shapes)}" for name in names) for shapes in _SUGGESTED]
    for text in texts if pair.backward is not None and names else []:
        try:
            with np.errstate(all="ignore"):
                pair.forward(*from_text(text).values())
            return text
        except Exception:  # whatever a function may say of shapes that are not its own
            continue
    return " ".join(f"{name}=(…)" for name in names)


def _shape(name: str, shapes: Mapping[str, str]) -> str:
    kinds = [kind for kind, names in _MEANT.items() if name.lower() in names]
    return shapes[name.lower() if name.lower() in shapes else kinds[0] if kinds else ""]


def exit_code(reports: Sequence[GradcheckReport]) -> int:
    """Return 0 if all passed, 1 if one failed, 3 if some are only undecided or vacuous."""
    verdicts = {report.verdict for report in reports}
    return 1 if "FAIL" in verdicts else 0 if verdicts <= {"PASS"} else 3

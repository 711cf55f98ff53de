"""To which other library a function belongs: PyTorch, JAX or autograd. None of them is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from .naming import plain

LIBRARIES = ("torch", "jax", "autograd")


def library_of(f: Any, inputs: Sequence[Any]) -> str | None:
    """Return the library whose arrays `f` takes, told by the inputs, by `f`, or by what it names.

    A function that names minires, too, is taken for one of ours.
    """
    if not any(name in sys.modules for name in LIBRARIES):
        return None
    for x in _flat(inputs):
        if (library := _of(type(x))) is not None:
            return library
    for thing in (*_classes(f), getattr(f, "__self__", None), f):
        if (library := _of(thing)) is not None:
            return library
    named = set(_named(plain(f)))
    return next((x for x in LIBRARIES if x in named), None) if "minires" not in named else None


def _of(thing: Any) -> str | None:
    """Return the library in which something is defined, if it is one of these."""
    module = thing.__name__ if isinstance(thing, ModuleType) else _module(thing)
    root = module.split(".")[0]
    root = {"jaxlib": "jax", "_VariableFunctionsClass": "torch"}.get(root, root)
    return root if root in LIBRARIES else None


def _module(thing: Any) -> str:
    module = getattr(thing, "__module__", None)
    if not isinstance(module, str):
        module = getattr(type(thing), "__module__", "")
    return module if isinstance(module, str) else ""


def _classes(f: Any) -> Iterator[type]:
    yield from f.__mro__ if isinstance(f, type) else type(f).__mro__


def _flat(x: Any) -> Iterator[Any]:
    if isinstance(x, dict | list | tuple):
        for part in x.values() if isinstance(x, dict) else x:
            yield from _flat(part)
    else:
        yield x


def _named(f: Any) -> Iterator[str]:
    """Yield the root packages of what a function's code names in its globals and closure."""
    code = getattr(f, "__code__", None)
    if code is None:
        return
    found = [f.__globals__[name] for name in code.co_names if name in f.__globals__]
    for cell in f.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not yet assigned
            continue
    for thing in found:
        module = thing.__name__ if isinstance(thing, ModuleType) else _module(thing)
        yield {"jaxlib": "jax"}.get(module.split(".")[0], module.split(".")[0])

"""Which form the user's code has, and the Subject for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ... import nn
from ...function import Function
from ...tensor import Array, Tensor
from ..subject import Subject
from ..wording import described
from .context import ContextSubject, is_context_class, takes_context
from .layer import LayerSubject, methods_of
from .libraries import library_of
from .pair import PairSubject
from .tensors import TensorSubject
from .together import TogetherSubject, returns_gradients
from .torch_functions import TorchSubject
from .vjp import AutogradSubject, JaxSubject


def of_pair(
    forward: Any,
    backward: Any,
    inputs: Sequence[Any],
    options: dict[str, Any],
    names: Sequence[str] = (),
    branch: Callable[..., Array] | None = None,
    outputs: int | Collection[int | str] | None = None,
    wrt: Collection[str] | None = None,
) -> Subject:
    """Return the Subject of two functions, of two methods, or of what has both (`backward` is then
    the first input).
    """
    methods = inspect.ismethod(forward) and inspect.ismethod(backward)
    if branch is not None and (methods or takes_context(forward) or not callable(backward)):
        raise ValueError("branch= is for pairs of functions")
    if not callable(backward) and _has_both(forward):
        return of_both(forward, (backward, *inputs), options, names, outputs, wrt)
    if not callable(backward) and (_is_ours(forward) or library_of(forward, (backward,))):
        return of_function(forward, (backward, *inputs), options, wrt)
    for role, f in (("forward", forward), ("backward", backward)):
        if not callable(f):
            raise TypeError(
                f"check_backward: {role} is {described(f)}, expected a function; first forward, "
                "then backward, then the inputs (or an object that has both, then the inputs)"
            )
    owner = getattr(forward, "__self__", None)
    if methods and owner is backward.__self__ and not isinstance(owner, type):
        both = forward.__name__, backward.__name__
        return LayerSubject(owner, both, inputs, options, names, outputs, wrt)
    if takes_context(forward) and takes_context(backward):
        _no_outputs(outputs)
        return ContextSubject(forward, backward, inputs, options, names, wrt)
    return PairSubject(forward, backward, inputs, options, names, branch, outputs, wrt)


def of_function(
    f: Any, inputs: Sequence[Any], options: dict[str, Any], wrt: Collection[str] | None = None
) -> Subject:
    """Return the Subject of a function of Tensors, a Function, a Module, or the user's layer."""
    if (library := library_of(f, inputs)) is not None:
        return _of_library(library, f, inputs, options, wrt)
    if _has_both(f):
        return of_both(f, inputs, options, wrt=wrt)
    if not callable(f) and inspect.ismethod(getattr(f, "forward", None)):
        kind = type(f).__name__
        raise TypeError(
            f"{kind} has a method forward, but none called backward (or bprop, backward_pass, …)"
        )
    if inspect.isroutine(f) and not _is_ours(f) and returns_gradients(f, inputs, options):
        return TogetherSubject(f, inputs, options, wrt)
    return TensorSubject(f, inputs, options, wrt)


def _of_library(
    library: str, f: Any, inputs: Sequence[Any], options: dict[str, Any], wrt: Any
) -> Subject:
    kinds: dict[str, Callable[..., Subject]] = {
        "torch": TorchSubject,
        "jax": JaxSubject,
        "autograd": AutogradSubject,
    }
    return kinds[library](f, inputs, options, wrt)


def of_both(
    f: Any,
    inputs: Sequence[Any],
    options: dict[str, Any],
    names: Sequence[str] = (),
    outputs: int | Collection[int | str] | None = None,
    wrt: Collection[str] | None = None,
) -> Subject:
    """Return the Subject of a class or an object that has a forward and a backward pass."""
    if is_context_class(f):
        _no_outputs(outputs)
        return ContextSubject(f.forward, f.backward, inputs, options, names, wrt)
    if isinstance(f, type):
        f = _made(f)
    methods = methods_of(f)
    assert methods is not None  # _has_both said so
    return LayerSubject(f, methods, inputs, options, names, outputs, wrt)


def _has_both(f: Any) -> bool:
    """Whether `f` is a class or an object, not of ours, with a forward and a backward pass."""
    if isinstance(f, nn.Module | Tensor) or inspect.isroutine(f):
        return False
    if isinstance(f, type):
        ours = issubclass(f, nn.Module | Function)
        return not ours and (is_context_class(f) or _methods_of_class(f))
    return is_context_class(f) or methods_of(f) is not None


def _is_ours(f: Any) -> bool:
    """Whether `f` is a Module, a Function or its `apply`."""
    owner = getattr(f, "__self__", f)
    return isinstance(f, nn.Module) or (isinstance(owner, type) and issubclass(owner, Function))


def _methods_of_class(f: type) -> bool:
    return all(inspect.isroutine(getattr(f, name, None)) for name in ("forward", "backward"))


def _made(layer: type) -> Any:
    """Return an object of a class that needs no arguments."""
    try:
        return layer()
    except TypeError as error:
        raise TypeError(
            f"{layer.__name__} is a class: {error}; pass an object, {layer.__name__}(…)"
        ) from None


def _no_outputs(outputs: object) -> None:
    if outputs is not None:
        raise ValueError("outputs=: all that a forward(ctx, …) returns are outputs")

"""Subject: something whose gradient can be checked, whatever form the user's code has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tensor import Array


@dataclass(frozen=True)
class Pair:
    """A hand-written forward and backward pass, and a way to try another backward in its place.

    forward, backward   the user's own functions, freed of what wraps them (a bound method, a
                        staticmethod, functools.wraps): `inspect.getsource` shows their source
    gradients           gradients(candidate, v, arrays) runs forward on copies of `arrays`, and
                        `candidate` as the user's backward is called; it returns a float64 array
                        for each tensor, of its shape, or raises. v is laid out as `value`'s output
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any]
    gradients: Callable[[Callable[..., Any], Array, Sequence[Array]], list[Array]]


class Subject(ABC):
    """A function of named float64 arrays, with its gradients as the user's code computes them.

    name           what is checked, in the user's words
    names, arrays  the tensors that are differentiated: NumPy arrays of float64
    notes          what the reader of the report should know
    simple         whether it is one operation rather than a composition of several
    pair           where the backward pass is written by hand: what a diagnosis needs, else None
    """

    name: str
    names: list[str]
    arrays: list[Array]
    notes: list[str]
    simple: bool = True

    @property
    def pair(self) -> Pair | None:
        return None

    @abstractmethod
    def value(self, arrays: Sequence[Array]) -> tuple[Array, bytes | None]:
        """Return the output and the fingerprint of the branches taken (None if none report any).

        Several outputs are laid out as one vector.
        """

    @abstractmethod
    def gradients(self, v: Array, layout: Callable[[Array], Array] = np.copy) -> list[Array]:
        """Return the analytic gradients of Σ v·y; raise what the user's code raises.

        `layout` copies inputs and upstream, perhaps into another memory order.
        """

    @abstractmethod
    def conduct(self, v: Array) -> dict[str, str]:
        """Return what one run does that it should not, by name, with what was seen.

        Writing to inputs, to the upstream or to saved values; gradients of another shape or dtype
        than their input's, or in memory that belongs to something else.
        """

    def calls(self) -> int:
        """Return how many recorded operations lie behind the output."""
        return 1

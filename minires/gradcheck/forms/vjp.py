"""Functions of JAX's arrays and of autograd's, differentiated by these libraries themselves."""

from __future__ import annotations

import contextlib
import sys
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from ..wording import described
from .call import Call
from .convention import entries_of
from .handwritten import Given, HandWritten, Layout, Run
from .kinds import precise, to_host


class VjpSubject(HandWritten):
    """f(*arrays) with a library's own vector-Jacobian product, in float64.

    numpy   the library's functions of arrays, by which several outputs are laid out as one
    """

    numpy: Any

    def __init__(
        self,
        f: Any,
        inputs: Sequence[Any],
        options: dict[str, Any],
        wrt: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.forward = self.backward = f
        self.name = getattr(f, "__name__", type(f).__name__)
        self.titles = self.name, self.name
        self.arguments = self.call = Call(f, inputs, options)
        self.leaves, self.notes = self.arguments.leaves, self.arguments.notes
        self.variables = [i for i, x in enumerate(self.leaves) if type(x.original) is not float]
        self.wanted = self.asked_for(wrt or ())
        self.set_up()

    @property
    def pair(self) -> None:
        """There is no source to search: the library's rules are not the user's."""
        return None

    def _output(self, values: list[Any]) -> Any:
        """Return the output for these values of the variables."""
        given = dict(zip(self.variables, values, strict=True))
        inputs = self.call.grown(
            lambda i: given.get(i, self.leaves[i].original), lambda x: self.placed(x)
        )
        entries = entries_of(self.call.run(self.forward, inputs))
        parts = [y for y in entries if np.dtype(getattr(y, "dtype", object)).kind == "f"]
        parts += [y for y in entries if isinstance(y, float) and not hasattr(y, "dtype")]
        if not parts:
            raise TypeError(
                f"{self.name} returned {', '.join(map(described, entries))}: nothing floating"
            )
        if len(parts) == 1:
            return parts[0]
        return self.numpy.concatenate([self.numpy.ravel(y) for y in parts])

    def start(self, given: Given, layout: Layout) -> Run:
        values = [layout(given.get(i, self.leaves[i].array)) for i in self.variables]
        with self.precise():
            output = to_host(self._output([self.placed(a) for a in values]))

        def back(candidate: Callable[..., Any] | None, dys: list[Any]) -> dict[int, Any]:
            with self.precise():
                found = self.pulled([self.placed(a) for a in values], self.placed(dys[0]))
            return {i: to_host(g) for i, g in zip(self.variables, found, strict=True)}

        return Run([], [np.asarray(output, np.float64)], (), back)

    @abstractmethod
    def pulled(self, values: list[Any], dy: Any) -> Sequence[Any]:
        """Return the gradients that the library computes."""

    def placed(self, a: Any) -> Any:
        """Return a NumPy array as one of the library's."""
        return a

    def precise(self) -> contextlib.AbstractContextManager[Any]:
        """Compute in float64 within the block."""
        return precise(in_jax=False)

    def _returned(self, raw: dict[int, Any], dys: Any, failed: dict[str, str]) -> None:
        """The library sees to shapes and memory."""


class JaxSubject(VjpSubject):
    """A function of JAX's arrays; x64 is enabled while it runs."""

    @property
    def numpy(self) -> Any:
        return sys.modules["jax"].numpy

    def pulled(self, values: list[Any], dy: Any) -> Sequence[Any]:
        pull: Any = sys.modules["jax"].vjp(lambda *xs: self._output(list(xs)), *values)[1]
        return pull(dy)  # type: ignore[no-any-return]

    def placed(self, a: Any) -> Any:
        return self.numpy.asarray(a) if isinstance(a, np.ndarray) else a

    def precise(self) -> contextlib.AbstractContextManager[Any]:
        return precise(in_jax=True)


class AutogradSubject(VjpSubject):
    """A function of arrays written with `autograd.numpy`."""

    @property
    def numpy(self) -> Any:
        return sys.modules["autograd.numpy"]

    def pulled(self, values: list[Any], dy: Any) -> Sequence[Any]:
        pull, _ = sys.modules["autograd"].make_vjp(self._output)(values)
        return pull(dy)  # type: ignore[no-any-return]

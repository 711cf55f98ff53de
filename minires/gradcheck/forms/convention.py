"""How a pair of functions is meant to be called: what of forward's result is a value and what is
kept for backward, and which of these backward takes, in which order.

Told by what backward takes: the number of its parameters first, then their names (`dh` beside a
returned `h` is its gradient; `x`, an argument of forward, is that argument).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tensor import Tensor
from ..wording import count, described
from .kinds import is_array, is_float_array
from .naming import is_gradient_of, is_output_gradient, is_upstream, title
from .signature import Signature, returned_names, signature_of

Source = tuple[str, Any]  # ("dy" or "entry", index), ("dys" or "rest", indices), ("input", name)
Found = tuple[list[int], list[Source]]  # the values, and what backward gets
CACHES = ("cache", "caches", "saved", "memory", "ctx", "context", "residuals", "tape", "state")


@dataclass(frozen=True)
class Convention:
    """What to call backward with.

    outputs   the entries of forward's result that are values, by index
    plan      what backward gets by position, in order
    keywords  what it gets by name
    """

    outputs: list[int]
    plan: list[Source]
    keywords: dict[str, Source]

    @property
    def takes_upstream(self) -> bool:
        """Whether backward is told the upstreams; else its gradients are those for dy = 1."""
        return any(kind in ("dy", "dys") for kind, _ in self.plan)

    def arguments(
        self, entries: Sequence[Any], inputs: dict[str, Any], dys: dict[int, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return what backward is called with."""

        def found(source: Source) -> Any:
            kind, which = source
            if kind == "dys":
                return tuple(dys[i] for i in which)
            if kind == "rest":
                return tuple(entries[i] for i in which)
            return (dys if kind == "dy" else entries if kind == "entry" else inputs)[which]

        return [found(s) for s in self.plan], {k: found(s) for k, s in self.keywords.items()}


def entries_of(result: Any) -> list[Any]:
    """Return the values that forward returned: those of a tuple or list, else the only one."""
    if isinstance(result, tuple) or (isinstance(result, list) and any(map(is_array, result))):
        return list(result)
    return [result]


class Reader:
    """Reads the convention from forward, its result, and the signature of backward.

    inputs, main   the arguments of forward by name, and those of them that are no options
    titles         what the user calls forward and backward
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        result: Any,
        inputs: Sequence[str],
        main: Sequence[str],
    ) -> None:
        self.titles = title(forward, "forward"), title(backward, "backward")
        self.inputs, self.main = list(inputs), list(main)
        self.entries = entries_of(result)
        self.single = len(self.entries) == 1
        fields = getattr(result, "_fields", None)
        self.names = list(fields or returned_names(forward, len(self.entries)))
        self.possible = [is_floating(x) for x in self.entries]
        # After the first a tuple or dict is kept for backward, unless a name says otherwise.
        self.floating = [
            p and (i == 0 or not isinstance(x, tuple | list | dict))
            for i, (p, x) in enumerate(zip(self.possible, self.entries, strict=True))
        ]
        self.takes: Signature = signature_of(backward)

    def read(self, outputs: int | Collection[int | str] | None = None) -> list[Convention]:
        """Return the conventions that fit, likeliest first; there is one if the names tell.

        Raises TypeError, with what was seen, if none fits.
        """
        if any(isinstance(x, Tensor) for x in self.entries):
            raise TypeError(
                f"{self.titles[0]} returned a Tensor: functions of Tensors are checked by "
                "gradcheck(f, *inputs); one of a pair returns arrays"
            )
        if not any(self.possible):
            returned = "; ".join(self._entry(i) for i in range(len(self.entries)))
            raise TypeError(
                f"{self.titles[0]} returned {returned}: nothing with a gradient; it must "
                "return a floating array or number, perhaps followed by what backward needs"
            )
        if outputs is not None:
            found = self._given(self._indices(outputs))
        elif self._takes_nothing():
            found = [([0], [])]
        elif self._takes_inputs_only():
            found = [([0], [self._role(name) for name in self.takes.names[: self.takes.required]])]
        else:
            floating = [i for i, f in enumerate(self.floating) if f]
            found = self._by_count() or self._by_name() or self._given(floating)
            found = found or self._given(floating[:1])
        if not found:
            raise TypeError(self._unclear())
        return [Convention(values, plan, self._keywords(plan)) for values, plan in found]

    def assumed(self, convention: Convention) -> list[str]:
        """Say which of several values are outputs, where a reader might think otherwise."""
        values = [self._label(i) for i in convention.outputs]
        others = [i for i, f in enumerate(self.floating) if f and i not in convention.outputs]
        taken = {which for kind, which in convention.plan if kind == "entry"}
        notes = [f"outputs: {', '.join(values)}"] if len(values) > 1 else []
        if convention.plan and not convention.takes_upstream:
            notes.append(f"{self.titles[1]} takes no upstream: it is multiplied by dy")
        unused = [self._label(i) for i in others if i not in taken]
        if unused:
            notes.append(
                f"not an output: {', '.join(unused)}; {self.titles[1]} takes no gradient for it"
            )
        return notes

    # ---- the ways, likeliest first --------------------------------------------------------------
    def _by_count(self) -> list[Found]:
        """(y, *saved) with backward(dy, *saved); y with backward(dy, *inputs).

        Further parameters that are named as gradients of further values make those values, too:
        (h, c, cache) with backward(dh, dc, cache). Where names say nothing both are possible.
        """
        names, k = self.takes.names, len(self.entries)
        roles = [self._role(name)[0] for name in names]
        if not self.floating[0] or (names and roles[0] in ("entry", "input", "rest")):
            return []  # backward(cache, dy): by name
        if self.single:
            if "unknown" not in roles and "dy" in roles and not self.takes.anything:
                return []  # by name
            fitting = [x for x in self._inputs() if self.takes.fits(1 + len(x))]
            return [([0], [("dy", 0), *x]) for x in fitting[:1]]
        if not self.takes.fits(k):
            return []
        for i in range(1, min(k, len(names))):
            if roles[i] == "input" and self.names[i] and self.names[i] != names[i]:
                return []  # it is the argument rather than what was returned here
        sure, possible = 1, 1
        for i in range(1, min(k, len(names))):
            if self.possible[i] and self._is_gradient(names[i], i):
                sure = possible = i + 1
            elif self.floating[i] and self.names[i] not in ("", names[i]):
                possible = i + 1
            else:
                break
        found: list[Found] = []
        for n in range(sure, possible + 1):
            plan: list[Source] = [("dy" if i < n else "entry", i) for i in range(k)]
            full = [[*plan, *x] for x in self._inputs() if n == k]  # nothing was saved
            plan = next((p for p in full if self.takes.fits(len(p))), plan)
            found.append((list(range(n)), plan))
        return found

    def _by_name(self) -> list[Found]:
        """Every parameter is the gradient of a value, a value, an argument of forward, or a cache.

        The first may have any name: it is the gradient of the first value, or of all. One with a
        default that is none of these ends the list.
        """
        plan: list[Source] = []
        for i, name in enumerate(self.takes.names):
            role = self._role(name)
            if role[0] == "unknown":
                if i == 0 and self.floating[0]:
                    role = ("dy", 0)
                elif i < self.takes.required:
                    return []
                else:
                    break
            plan.append(role)
        values = [which for kind, which in plan if kind == "dy"]
        if not values or len(set(values)) < len(values):
            return []
        found: list[Found] = [(values, plan)]
        every = [i for i, floating in enumerate(self.floating) if floating]
        one = plan[0] == ("dy", 0) and not is_gradient_of(self.takes.names[0], self.names[0])
        if one and len(values) == 1 < len(every):
            found.append((every, [("dys", every), *plan[1:]]))
        return found

    def _given(self, values: list[int]) -> list[Found]:
        """The values are known: an upstream each, or a tuple of them; what comes after?"""
        each: list[Source] = [("dy", i) for i in values]
        rest: list[Source] = [("entry", i) for i in range(len(self.entries)) if i not in values]
        found: list[Found] = []
        for upstream in (each, [("dys", values)]) if len(values) > 1 else (each,):
            for after in (rest, *self._inputs(), []):
                if self.takes.fits(len(upstream) + len(after)):
                    found.append((values, [*upstream, *after]))
        return found

    def _takes_nothing(self) -> bool:
        """Whether backward has no argument: the gradient of a single number, as for dy = 1."""
        return self.takes.fits(0) and not self.takes.fits(1) and np.size(self.entries[0]) == 1

    def _takes_inputs_only(self) -> bool:
        """Whether backward has arguments of forward only: it is a derivative, as tanh_prime(x)."""
        roles = [self._role(name)[0] for name in self.takes.names]
        return self.single and not self.takes.anything and set(roles) == {"input"}

    # ---- what a name means ----------------------------------------------------------------------
    def _role(self, name: str) -> Source:
        """Return what a parameter of backward gets, by its name; ("unknown", name) if nothing."""
        for i, entry in enumerate(self.names):
            if self.possible[i] and is_gradient_of(name, entry):
                return "dy", i
        if name in self.names and not (self.single and name in self.inputs):
            return "entry", self.names.index(name)
        if name in self.inputs:  # also where forward overwrites its x and returns it
            return "input", name
        rest = [i for i, floating in enumerate(self.floating) if not floating]
        if name.lower() in CACHES and rest:
            return ("entry", rest[0]) if len(rest) == 1 else ("rest", rest)
        if is_upstream(name) and sum(self.floating) == 1:
            return "dy", self.floating.index(True)
        return "unknown", name

    def _is_gradient(self, name: str, i: int) -> bool:
        """Whether a parameter is the upstream of entry i rather than its value."""
        if self.names[i]:
            return is_gradient_of(name, self.names[i])
        return is_output_gradient(name)

    def _inputs(self) -> list[list[Source]]:
        """Return all the arguments of forward, and those that are no options."""
        named = self._by_name_only()
        every, main = (
            [("input", name) for name in names if name not in named]
            for names in (self.inputs, self.main)
        )
        return [every, main] if len(main) < len(every) else [every]

    def _by_name_only(self) -> list[str]:
        """Return the parameters of backward that cannot be given by position."""
        named = [n for n in self.takes.by_name or [] if n not in self.takes.names]
        return list(dict.fromkeys([*self.takes.keywords, *named]))

    def _keywords(self, plan: list[Source]) -> dict[str, Source]:
        """Return the arguments of forward that backward takes, too, and has not got yet."""
        left = [*self.takes.names[len(plan) :], *self._by_name_only()]
        return {name: ("input", name) for name in left if name in self.inputs}

    # ---- the caller's word ----------------------------------------------------------------------
    def _indices(self, outputs: int | Collection[int | str]) -> list[int]:
        k = len(self.entries)
        chosen = list(range(outputs)) if isinstance(outputs, int) else list(outputs)
        indices = [self.names.index(o) if o in self.names else o for o in chosen]
        for o in indices:
            if not isinstance(o, int) or not 0 <= o < k or not self.possible[o]:
                known = ", ".join(self._entry(i) for i in range(k))
                raise ValueError(
                    f"outputs={outputs!r}: {self.titles[0]} returned {known}; give the number "
                    "of values, or the indices or names of those that are floating"
                )
        return [o for o in indices if isinstance(o, int)]

    def _entry(self, i: int) -> str:
        return ("" if self.single else f"{self._label(i)}: ") + described(self.entries[i])

    def _label(self, i: int) -> str:
        return self.names[i] or f"value {i}"

    def _unclear(self) -> str:
        takes = ", ".join(self.takes.names) + (", *more" if self.takes.anything else "")
        returned = "; ".join(self._entry(i) for i in range(len(self.entries)))
        return (
            f"cannot tell what to call {self.titles[1]}({takes}) with: "
            f"{self.titles[0]} has {count(len(self.inputs), 'argument')} "
            f"({', '.join(self.inputs)}) and returned {returned}. Either return (y, *saved) and "
            "take (dy, *saved), or take (dy, *inputs), or name the parameters after these (dy for "
            "the gradient of y); outputs= tells how many of the returned are values"
        )


def is_floating(x: Any) -> bool:
    """Whether `x` is a floating array or number, or a list, tuple or dict of nothing else."""
    if isinstance(x, dict):
        return bool(x) and all(map(is_floating, x.values()))
    if isinstance(x, list | tuple):
        return bool(x) and all(map(is_floating, x))
    return isinstance(x, float | np.floating) or is_float_array(x)

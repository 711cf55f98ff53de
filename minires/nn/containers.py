"""Modules made of modules."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self, overload

from .module import Module


class _Row(Module):
    """Modules in a row: indexed, sliced and changed as a list is."""

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(list(self._modules.values()))

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> _Row: ...
    def __getitem__(self, index: int | slice) -> Module | _Row:
        """Return a module; for a slice, a row of the same (shared) modules."""
        if isinstance(index, slice):
            return self._part(list(self._modules.items())[index])
        found: Module = self._modules[self._key(index)]
        return found

    def _part(self, items: list[tuple[str, Module]]) -> _Row:
        raise NotImplementedError

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), self._checked(module))

    def __delitem__(self, index: int | slice) -> None:
        keys = list(self._modules)[index] if isinstance(index, slice) else [self._key(index)]
        for key in keys:
            del self._modules[key]
        self._renumbered()

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns self."""
        return self.insert(len(self), module)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; returns self."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before the one at `index`; returns self."""
        free = next(str(i) for i in itertools.count(len(self)) if str(i) not in self._modules)
        setattr(self, free, self._checked(module))
        items = list(self._modules.items())
        items.insert(index, items.pop())
        self._modules.clear()
        self._modules.update(items)
        return self._renumbered()

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Yield each module's name and text, but a run of equal blocks once: "1-17": "17 x …"."""
        for text, run in itertools.groupby(super()._texts(), key=operator.itemgetter(1)):
            names = [name for name, _ in run]
            if len(names) == 1 or "\n" not in text:  # a line each is short enough
                yield from ((name, text) for name in names)
            else:
                yield f"{names[0]}-{names[-1]}", f"{len(names)} x {text}"

    def _key(self, index: int) -> str:
        try:
            return list(self._modules)[operator.index(index)]
        except IndexError:
            raise IndexError(
                f"{type(self).__name__} has {len(self)} modules, no index {index}"
            ) from None

    def _checked(self, module: Any) -> Module:
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: {type(module).__name__} is no Module")
        return module

    def _renumbered(self) -> Self:
        """Name the modules by their places again, unless they have been given names."""
        if all(key.isdecimal() for key in self._modules):
            modules = list(self._modules.values())
            self._modules.clear()
            self._modules.update((str(i), module) for i, module in enumerate(modules))
        return self


class Sequential(_Row):
    """Modules applied one after the other: Sequential(a, b, …), or one dict of them by name."""

    def __init__(self, *modules: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], Mapping):
            for name, named in modules[0].items():
                self.add_module(name, named)
            return
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                unpack = "; unpack it: Sequential(*modules)" if isinstance(module, list) else ""
                kind = type(module).__name__
                raise TypeError(f"Sequential: argument {i} is {kind}, no Module{unpack}")
            setattr(self, str(i), module)

    def forward(self, x: Any) -> Any:
        for module in self:
            x = module(x)
        return x

    def _part(self, items: list[tuple[str, Module]]) -> Sequential:
        return Sequential(dict(items))  # under the names that they have here, as in PyTorch


class ModuleList(_Row):
    """A list of modules, registered under their indices. It has no forward of its own."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def _part(self, items: list[tuple[str, Module]]) -> ModuleList:
        return ModuleList(module for _, module in items)

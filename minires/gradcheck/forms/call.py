"""A call of the user's forward: what it is given, by position and by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from .arguments import Arguments, slots
from .naming import title
from .signature import argument_names


class Call(Arguments):
    """The arguments of one function.

    parameters   what the function calls them, which may differ from `names`
    main         those that are no options: given by position, or floating arrays
    """

    def __init__(
        self,
        f: Callable[..., Any],
        inputs: Sequence[Any],
        options: dict[str, Any],
        names: Sequence[str] = (),
    ) -> None:
        positional, by_name = _bound(f, list(inputs), options)
        own = argument_names(f, len(positional))
        self._positional, self._keywords = len(positional), list(by_name)
        self.parameters = [*own, *by_name]
        shown = [*names, *own[len(names) :]]
        super().__init__([*positional, *by_name.values()], [*shown, *by_name])
        self.main = [
            name
            for i, (name, tree) in enumerate(zip(self.parameters, self.trees, strict=True))
            if i < len(inputs) or not all(self.leaves[slot].optional for slot in slots(tree))
        ]

    def run(self, f: Callable[..., Any], built: Sequence[Any]) -> Any:
        """Call `f` with arguments that `build` returned."""
        by_name = dict(zip(self._keywords, built[self._positional :], strict=True))
        return f(*built[: self._positional], **by_name)


def _bound(
    f: Callable[..., Any], inputs: list[Any], options: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments by position and by name, those by name in the function's order."""
    try:
        bound = inspect.signature(f).bind(*inputs, **options)
    except TypeError as error:
        unknown = " (options that the check does not know itself go to your function)"
        raise TypeError(
            f"{title(f, 'the function')}: {error}{unknown if options else ''}"
        ) from None
    except ValueError:  # a builtin
        return inputs, options
    return list(bound.args), bound.kwargs

"""Classes whose static methods are `forward(ctx, …)` and `backward(ctx, dy)`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

from ..wording import described
from .call import Call
from .convention import entries_of, is_floating
from .handwritten import Given, HandWritten, Layout, Run
from .naming import in_place_of, plain, title
from .results import matched
from .signature import signature_of

CONTEXTS = ("ctx", "context", "self_ctx")


class Ctx:
    """What forward leaves for backward, under the names that several frameworks use.

    Saved by save_for_backward or save; found as saved_tensors, saved_values or saved. Other
    attributes may be set freely. Nothing is differentiated that mark_non_differentiable was told.
    """

    saved: tuple[Any, ...] = ()

    def __init__(self, needs: Sequence[bool]) -> None:
        self.needs = self.needs_input_grad = tuple(needs)
        self.fixed: list[int] = []  # ids of outputs without a gradient

    def save_for_backward(self, *values: Any) -> None:
        self.saved = values

    save = save_for_backward

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        return self.saved

    saved_values = saved_tensors

    def mark_non_differentiable(self, *outputs: Any) -> None:
        self.fixed += map(id, outputs)


def takes_context(f: Any) -> bool:
    """Whether the first argument of a function is a context."""
    names = signature_of(plain(f)).names
    names = names[1:] if names[:1] == ["cls"] else names
    return names[:1] != [] and names[0].lower() in CONTEXTS


def is_context_class(f: Any) -> bool:
    """Whether this is a class, or an object of one, with forward and backward that take ctx."""
    owner = f if isinstance(f, type) else type(f)
    return all(
        (method := getattr(owner, name, None)) is not None and takes_context(method)
        for name in ("forward", "backward")
    )


class ContextSubject(HandWritten):
    """`forward(ctx, *inputs)` and `backward(ctx, *dys)`, each run with a new context.

    Every floating value that forward returns is an output; backward gets a gradient for each, and
    None for the others. It returns a gradient for each input.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any],
        inputs: Sequence[Any],
        options: dict[str, Any],
        names: Sequence[str] = (),
        wrt: Collection[str] | None = None,
    ) -> None:
        super().__init__()
        self.forward, self.backward = forward, backward
        self.titles = title(forward), title(backward)
        self.name = self.titles[1].removesuffix(".backward")
        self.arguments = self.call = Call(partial(forward, None), inputs, options, names)
        self.leaves, self.notes = self.arguments.leaves, self.arguments.notes
        self.wanted = self.asked_for(wrt or ())
        self.set_up()

    def start(self, given: Given, layout: Layout) -> Run:
        inputs = self.call.build(given, layout)
        ctx = Ctx([is_floating(x) for x in inputs])
        entries = entries_of(self.call.run(partial(self.forward, ctx), inputs))
        values = [i for i, y in enumerate(entries) if is_floating(y) and id(y) not in ctx.fixed]
        if not values:
            returned = ", ".join(map(described, entries))
            raise TypeError(
                f"{self.titles[0]} returned {returned}: nothing with a gradient; it must return a "
                "floating array or number"
            )

        def back(candidate: Callable[..., Any] | None, dys: list[Any]) -> dict[int, Any]:
            upstreams = dict(zip(values, dys, strict=True))
            backward = self.backward
            if candidate is not None:
                backward = in_place_of(backward, candidate)
            result = backward(ctx, *(upstreams.get(i) for i in range(len(entries))))
            return matched(result, self.arguments, self.titles[1], self.wanted)

        return Run(inputs, [entries[i] for i in values], (ctx.saved, vars(ctx)), back)

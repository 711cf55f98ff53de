"""What the registry knows of a net: an `Entry`, and of those that belong together: a `Family`."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import nn

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """What nets of one table of one paper share.

    base     the function that the builders pass their options on to
    fixed    options of it that they set themselves
    shape    of one input, without the batch
    classes  how many logits come of it; 0 if it is an image
    means    what options mean, where it is not what catalogue.MEANINGS says
    """

    title: str
    paper: str
    arxiv: str
    base: Callable[..., nn.Module]
    shape: Shape
    classes: int
    fixed: tuple[str, ...] = ()
    means: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """A net that can be built by name.

    layers, parameters, macs   reference values: weight layers on the longest path, numbers that are
                               trained, multiply-adds of one input of `shape`
    where                      table or section of the paper
    result                     the paper's error on CIFAR-10's test images, or (top-1, 10 crops) on
                               ImageNet's validation images
    defaults                   options for those that the builder has no default for
    """

    builder: Callable[..., nn.Module]
    family: Family
    layers: int
    parameters: int
    macs: int
    where: str
    result: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.builder.__name__

    @property
    def options(self) -> dict[str, Any]:
        """Return the options that the net takes, with their defaults."""
        own, base = (inspect.signature(f).parameters for f in (self.builder, self.family.base))
        found = {p.name: p for p in own.values() if p.kind is not p.VAR_KEYWORD}
        if len(found) < len(own):  # it passes others on
            for p in base.values():
                if p.kind is p.KEYWORD_ONLY and p.name not in self.family.fixed:
                    found.setdefault(p.name, p)
        return {
            k: self.defaults.get(k, None if p.default is p.empty else p.default)
            for k, p in found.items()
        }

    def build(self, **options: Any) -> nn.Module:
        """Return a new net. TypeError names an option that it does not take."""
        offered = self.options
        for option in options:
            if option not in offered:
                near = difflib.get_close_matches(option, offered, 1)
                hint = f" (did you mean {near[0]!r}?)" if near else ""
                raise TypeError(
                    f"{self.name} takes no option {option!r}{hint}; it takes {', '.join(offered)}"
                )
        return self.builder(**{**self.defaults, **options})

    def input_shape(self, **options: Any) -> Shape:
        """Return the shape of one input of the net with these options."""
        options = self.options | options
        if "in_features" in options:
            return (options["in_features"] or options["width"],)
        return (options.get("in_channels", self.family.shape[0]), *self.family.shape[1:])

"""Weights that a recipe keeps beside the last ones: an average, and those of a lookahead."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from .. import nn, optim
from .recipe import Recipe


class Averages:
    """The EMA of a recipe, which is evaluated and saved, and its lookahead; either may be None."""

    def __init__(self, net: nn.Module, recipe: Recipe) -> None:
        self.net, self.recipe = net, recipe
        self.ema = None if recipe.ema is None else optim.EMA(net, recipe.ema)
        self.lookahead = None if recipe.lookahead is None else optim.Lookahead(net)

    def update(self, step: int, done: float) -> None:
        """Follow the net after its step number `step`, counted from 1, `done` of the training."""
        if self.lookahead is not None and step % (self.recipe.lookahead or 1) == 0:
            self.lookahead.decay = self.recipe.slowness(done)
            self.lookahead.update()
        if self.ema is not None:
            self.ema.update()

    def end(self) -> None:
        """Let the net have the slow weights: what it did since the last lookahead is left out."""
        if self.lookahead is not None:
            self.lookahead.write()

    def applied(self) -> contextlib.AbstractContextManager[nn.Module]:
        """Within the block the net has the weights that are evaluated and saved."""
        return contextlib.nullcontext(self.net) if self.ema is None else self.ema.applied()

    def names(self) -> str:
        """Return which weights are evaluated and saved."""
        if self.ema is not None:
            return "averaged (EMA)"
        return "last" if self.lookahead is None else "slow (lookahead)"

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds of them."""
        kept = {"ema": self.ema, "lookahead": self.lookahead}
        return {k: None if v is None else v.state_dict() for k, v in kept.items()}

    def load(self, saved: Mapping[str, Any]) -> None:
        """Take over a `state`, which stands in the checkpoint's document."""
        if self.ema is not None:
            self.ema.load_state_dict(saved["ema"])
        if self.lookahead is not None:
            self.lookahead.load_state_dict(saved["lookahead"])

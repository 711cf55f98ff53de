"""The full forms: nets of the paper's size, on CIFAR-10, with the recipes of `minires train`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import Arm, Form, Result


def arm(
    form: Form,
    name: str,
    model: str,
    options: Mapping[str, Any] | None = None,
    *,
    paper: float | None = None,
    says: str = "",
    value: str = "test",
    recipe: str = "he2015",
) -> Arm:
    """Return the arm of a net of the registry, trained with a recipe; value: "test" or "train".

    The run keeps its checkpoints in form.out / "runs"; begun again, it goes on where it stopped.
    """

    def measure(seed: int) -> Result:
        return trained(form, name, model, dict(options or {}), recipe, seed, value)[1]

    settings = {"model": model, **(options or {}), "recipe": recipe, "value": value}
    return Arm(name, measure, paper, says, settings)


def trained(
    form: Form, name: str, model: str, options: dict[str, Any], recipe: str, seed: int, value: str
) -> tuple[Any, Result]:
    """Train a net of the registry, or go on with it; return it and its result."""
    raise NotImplementedError

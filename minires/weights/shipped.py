"""Weights that come with minires: `files/MODEL_DATA.safetensors`, each with its card beside it.

The metadata are those that `minires train` writes: model, options, classes, normalise, data,
recipe, test_error, command; and a licence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..nn.module import Module
from ..tensor import Array
from .formats import read

if TYPE_CHECKING:
    from ..data import Normalise

FILES = Path(__file__).with_name("files")
Net = TypeVar("Net", bound=Module)


@dataclass(frozen=True)
class Pretrained:
    """A trained net's weights, and what their file says of them."""

    path: Path
    state: dict[str, Array]
    metadata: dict[str, str]

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes, in the order of the logits."""
        return tuple(self._stated("classes"))

    @property
    def normalise(self) -> Normalise:
        """Return what must be done to images first."""
        from ..data import Normalise

        stated = self._stated("normalise")
        return Normalise.from_state({k: np.array(v, np.float32) for k, v in stated.items()})

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of the net that these weights are of."""
        return dict(self._stated("options")) if "options" in self.metadata else {}

    def _stated(self, key: str) -> Any:
        if key not in self.metadata:
            raise ValueError(f"{self.path} does not say its {key!r}")
        return json.loads(self.metadata[key])


def names() -> list[tuple[str, str]]:
    """Return (model, data) of all weights that are there."""
    found = (path.stem.rpartition("_") for path in sorted(FILES.glob("*_*.safetensors")))
    return [(model, data) for model, _, data in found]


def pretrained(model: str, data: str) -> Pretrained:
    """Return the weights of a net trained on some data, e.g. `pretrained("resnet20", "cifar10")`.

    `models.resnet20(weights="cifar10")` is a net that has them; `.normalise` is what its images
    need, `.classes` what its logits mean. ValueError, which says what there is, if there are none.
    """
    if (model, data) not in names():
        there = ", ".join(f"{m} with weights={d!r}" for m, d in names())
        raise ValueError(
            f"no weights {data!r} of {model} come with minires"
            + (f"; there are {there}. " if there else ", nor any others. ")
            + f"Train it (minires train --model {model} --data {data}), then "
            "weights.load_into(net, 'OUT/model.safetensors')"
        )
    path = FILES / f"{model}_{data}.safetensors"
    content = read(path)
    return Pretrained(path, content.arrays, content.metadata)


def filled(
    net: Net, model: str, data: str, given: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Net:
    """Give a new net the weights that come with minires; return it.

    `given` are the options that it was built with. ValueError for one that the weights contradict.
    """
    found = pretrained(model, data)
    for option, value in given.items():
        expected = found.options.get(option, defaults.get(option))
        if option != "seed" and value != expected:
            hint = ""
            if option == "num_classes":
                hint = "; for other classes, replace net.fc after loading"
            raise ValueError(
                f"{model}: the weights {data!r} are of a net with {option}={expected!r}, got "
                f"{option}={value!r}; leave out one of the two{hint}"
            )
    net.load_state_dict(found.state)
    return net


def card(metadata: Mapping[str, str], name: str) -> str:
    """Return a model card in Markdown: what the metadata say, one line for each."""
    lines = [f"# {name}", ""]
    if "model" in metadata and "data" in metadata:
        lines += [f"{metadata['model']}, trained on {metadata['data']}.", ""]
    lines += ["| | |", "|---|---|"]
    for key, value in metadata.items():
        shown = value.replace("|", "\\|").replace("\n", " ")
        lines.append(f"| {key} | {shown or '-'} |")
    return "\n".join([*lines, ""])

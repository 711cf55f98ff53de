"""How a net is trained: optimiser, rate and its schedule, length, augmentation, regularisation.

    recipe = RECIPES["he2015"].changed(epochs=20, lr=0.05)

Every number that decides a result stands in a `Recipe`; run.json and checkpoints hold it whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from minires_kernels import checks

from .start import STARTS

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("steps", "linear", "cosine", "onecycle", "constant")
CROPS, FLIPS = ("pad", "resized", "none"), ("random", "alternating", "none")
PADDINGS, VIEWS = ("zero", "reflect"), (1, 2, 6)
LENGTHS = ("iterations", "epochs", "minutes")


@dataclass(frozen=True)
class Recipe:
    """How a net is trained. The length is one of `iterations`, `epochs` and `minutes`.

    nesterov, momentum   of sgd; adamw has β 0.9 and 0.999
    decay_norms          whether norms and biases (parameters of one dimension) decay too
    norm_bias_rate       factor of the rate of norms' biases, by which their weight decay is divided
    schedule             of the rate, over the whole training; see `factor`
    milestones, gamma    fractions of the training at which "steps" multiplies the rate by gamma
    warmup, warmup_from  fraction of the training over which the rate rises linearly, from a factor
    warmup_error         a tenth of the rate until the training error of 100 iterations is below
    floor                lowest factor of "linear" and "cosine"
    ema                  decay of the averaged weights that are evaluated and saved; None: none
    lookahead            steps after which the net goes to weights that follow it slowly, as it does
                         at the end; None: never. See `slowness`, `lookahead_decay` and optim
    freeze, freeze_after parameters or modules, by name, that stay as they are from that epoch on
    clip                 largest norm of all gradients together; None: no limit
    crop, pad, padding, flip, cutout   what is done to training images; see data.Augment
    views                of each test image at the end, beside one; see train.evaluate
    normalise            "pixel": minus the mean image; "channel": mean and deviation of channels
    start                changes of the first weights, "whiten" and "dirac"; see train/start.py
    """

    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 1e-4
    decay_norms: bool = True
    norm_bias_rate: float = 1.0
    batch_size: int = 128
    iterations: int | None = None
    epochs: float | None = None
    minutes: float | None = None
    schedule: str = "steps"
    milestones: tuple[float, ...] = (0.5, 0.75)
    gamma: float = 0.1
    warmup: float = 0.0
    warmup_from: float = 0.0
    warmup_error: float | None = None
    floor: float = 0.0
    label_smoothing: float = 0.0
    ema: float | None = None
    lookahead: int | None = None
    lookahead_decay: float = 0.95**5
    freeze: tuple[str, ...] = ()
    freeze_after: float = 0.0
    clip: float | None = None
    crop: str = "pad"
    pad: int = 4
    padding: str = "zero"
    flip: str = "random"
    cutout: int = 0
    normalise: str = "channel"
    start: tuple[str, ...] = ()
    views: int = 1

    def __post_init__(self) -> None:
        for field, named in (("start", ", ".join(STARTS)), ("freeze", "parameters or modules")):
            object.__setattr__(self, field, _words(field, getattr(self, field), named))
        if not isinstance(self.milestones, tuple | list):
            raise TypeError(f"milestones: expected a list of fractions, got {self.milestones!r}")
        object.__setattr__(self, "milestones", tuple(self.milestones))  # JSON has lists
        for name in self.start:
            if name not in STARTS:
                raise ValueError(f"start: expected some of {', '.join(STARTS)}, got {name!r}")
        for name, offered in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("crop", CROPS),
            ("padding", PADDINGS),
            ("flip", FLIPS),
            ("normalise", ("pixel", "channel")),
            ("views", VIEWS),
        ):
            if (value := getattr(self, name)) not in offered or isinstance(value, bool):
                names = ", ".join(map(str, offered))
                raise ValueError(f"{name}: expected one of {names}, got {value!r}")
        for name in ("nesterov", "decay_norms"):
            checks.flag(name, getattr(self, name))
        for name, least in (("batch_size", 1), ("pad", 0), ("cutout", 0)):
            checks.integer(name, getattr(self, name), least)
        for name in ("lr", "gamma", "clip", "epochs", "minutes", "norm_bias_rate"):
            _number(name, getattr(self, name), above=0)
        for name in ("momentum", "warmup", "label_smoothing", "ema", "floor", "lookahead_decay"):
            _number(name, getattr(self, name), least=0, below=1)
        for name in ("weight_decay", "warmup_from", "freeze_after"):
            _number(name, getattr(self, name), least=0)
        for cut in self.milestones:
            _number("milestones: a fraction of the training", cut, above=0, below=1)
        _number("warmup_error", self.warmup_error, above=0, below=1)
        for name in ("iterations", "lookahead"):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name), 1)
        given = [name for name in LENGTHS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                "a recipe has one length, of iterations, epochs and minutes; got "
                + (" and ".join(given) or "none")
            )
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum):
            raise ValueError("nesterov needs optimizer 'sgd' and a momentum above 0")
        if self.freeze_after and not self.freeze:
            raise ValueError("freeze_after: freeze says what; name parameters or modules there")

    def changed(self, **values: Any) -> Recipe:
        """Return a copy with other values; a length that is given replaces the old one."""
        if any(values.get(name) is not None for name in LENGTHS):
            values = dict.fromkeys(LENGTHS) | values
        if unknown := set(values) - {f.name for f in fields(self)}:
            names = ", ".join(f.name for f in fields(self))
            raise ValueError(f"a recipe has no {', '.join(sorted(unknown))}; it has {names}")
        return replace(self, **values)

    def factor(self, done: float) -> float:
        """Return the factor of the rate when a fraction `done` of the training is over.

        It rises linearly from `warmup_from` to 1 while done < warmup. Then, with u the fraction
        done of what is left:
        steps gammaᵏ after k milestones; linear 1 - u; cosine (1 + cos πu)/2; constant 1, where
        linear and cosine end at `floor`. onecycle (Smith 2017, 1708.07120, with cosines as in
        PyTorch) rises from 1/25 over `warmup` (0: 30 %) and falls to 4e-6.
        """
        if self.schedule == "onecycle":
            rise = self.warmup or 0.3
            if done < rise:
                return 1 + (1 / 25 - 1) * _cosine(done / rise)
            return 4e-6 + (1 - 4e-6) * _cosine((done - rise) / (1 - rise))
        if done < self.warmup:
            return self.warmup_from + (1 - self.warmup_from) * (done / self.warmup)
        left = min(1.0, (done - self.warmup) / (1 - self.warmup))
        if self.schedule == "linear":
            return self.floor + (1 - self.floor) * (1 - left)
        if self.schedule == "cosine":
            return self.floor + (1 - self.floor) * _cosine(left)
        if self.schedule == "steps":
            return float(self.gamma ** sum(done >= cut for cut in self.milestones))
        return 1.0

    def slowness(self, done: float) -> float:
        """Return the share of its slow weights that a lookahead keeps: lookahead_decay · done³."""
        return self.lookahead_decay * done**3

    def cuts(self) -> tuple[float, ...]:
        """Return the fractions of the training at which the rate jumps."""
        return tuple(sorted(self.milestones)) if self.schedule == "steps" else ()

    def length(self, per_epoch: int) -> int | None:
        """Return the number of iterations, with so many batches per epoch; None: it is a time."""
        if self.epochs is not None:
            return max(1, round(self.epochs * per_epoch))
        return self.iterations

    def document(self) -> dict[str, Any]:
        """Return the recipe as JSON holds it."""
        lists = {name: list(getattr(self, name)) for name in ("milestones", "start", "freeze")}
        return asdict(self) | lists


def _words(name: str, value: Any, named: str) -> tuple[str, ...]:
    """Return names that came as a list, or as text with commas."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, tuple | list) or not all(isinstance(word, str) for word in words):
        raise TypeError(f"{name}: expected names of {named}, got {words!r}")
    return tuple(word for word in words if word)


def _cosine(u: float) -> float:
    return (1 + math.cos(math.pi * min(1.0, u))) / 2


def _number(
    name: str,
    value: Any,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> None:
    """Raise ValueError or TypeError unless `value` is None or a number within the limits."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if not (least <= value < below and value > above):
        limits = [f"of at least {least:g}"] * (least > -math.inf)
        limits += [f"above {above:g}"] * (above > -math.inf)
        limits += [f"below {below:g}"] * (below < math.inf)
        raise ValueError(f"{name}: expected a number {' and '.join(limits)}, got {value}")


def recipe_of(document: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a `document()`. ValueError names what is unknown or wrong."""
    known = {f.name for f in fields(Recipe)}
    if not isinstance(document, Mapping) or set(document) - known:
        raise ValueError(f"expected the fields of a recipe, got {document!r:.200}")
    return Recipe(**document)


HE2015 = Recipe(iterations=64_000, normalise="pixel")
"""He et al. 2015 (1512.03385) §4.2: SGD, momentum 0.9, weight decay 1e-4, batches of 128, rate 0.1
divided by 10 at 32k and 48k of 64k iterations; images padded by 4, cropped and flipped; minus the
mean image."""

RECIPES: dict[str, Recipe] = {
    "he2015": HE2015,
    # as the paper trained 110 layers: a rate of 0.01 until the training error is below 80 %
    "he2015-110": HE2015.changed(warmup_error=0.8),
    "budget": Recipe(
        lr=0.2,
        nesterov=True,
        weight_decay=5e-4,
        epochs=40,
        schedule="linear",
        warmup=0.05,
        flip="alternating",
    ),
    "adamw": Recipe(
        optimizer="adamw",
        lr=2e-3,
        weight_decay=0.05,
        decay_norms=False,
        epochs=40,
        schedule="cosine",
        warmup=0.1,
    ),
    # Jordan 2024 (2404.00498), airbench94: for models.airbench94. Its code sums the loss over 1,024
    # images, and divides a rate of 11.5 by 1024 (1 + 1 / (1 - momentum)): 1.5 for a mean.
    "airbench": Recipe(
        lr=1.5,
        momentum=0.85,
        nesterov=True,
        weight_decay=0.0153 / 11.5,
        norm_bias_rate=64.0,
        batch_size=1024,
        epochs=9.9,
        schedule="linear",
        warmup=0.23,
        warmup_from=0.2,
        floor=0.07,
        label_smoothing=0.2,
        lookahead=5,
        freeze=("whiten.bias",),
        freeze_after=3,
        pad=2,
        padding="reflect",
        flip="alternating",
        start=("whiten",),
        views=6,
    ),
}


def recipe_named(name: str) -> Recipe:
    """Return a recipe by its name; ValueError lists the names."""
    if name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]

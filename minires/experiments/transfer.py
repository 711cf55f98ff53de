"""Transfer: what a net has learnt on some classes helps on others, the more the fewer labels.

The experiment of Yosinski et al. 2014 (1411.1792) in small: features of one half of the classes,
frozen, fine-tuned or not used at all for the other half, with few labels per class.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minires_kernels import checks

from .. import data, nn, optim
from ..optim.lr_scheduler import MultiStepLR
from ..tensor import Array
from ..train import loop
from ..train.transfer import GradualUnfreezing, freeze, head_of, replace_head
from .lesions import error

# how the net for the new classes is made of the one for the old
HOWS = ("from scratch", "head only", "last stage", "fine-tuned", "gradually")


def stages(net: nn.Module) -> list[str]:
    """Return the names of a net's parts with parameters, in order, without its head."""
    head = head_of(net).partition(".")[0]
    named = [name for name, child in net.named_children() if any(True for _ in child.parameters())]
    return [name for name in named if name != head]


def labelled(y: Array, per_class: int, rng: np.random.Generator) -> Array:
    """Return indices of `per_class` random samples of each class; ValueError if one has fewer."""
    found = []
    for label in np.unique(y):
        have = np.flatnonzero(y == label)
        if len(have) < checks.integer("per_class", per_class, 1):
            raise ValueError(f"per_class: class {label} has {len(have)} samples, not {per_class}")
        found.append(rng.permutation(have)[:per_class])
    return np.concatenate(found)


def adapt(
    net: nn.Module,
    how: str,
    x: Array,
    y: Array,
    *,
    steps: int = 150,
    lr: float | None = None,
    batch_size: int = 50,
    seed: int = 0,
) -> nn.Module:
    """Return a copy of `net` trained for new classes; `net` itself stays as it is.

    how    "from scratch"  all parameters of `net` as they are (give one that is untrained)
           "head only"     the features are frozen, and a new linear head is trained
           "last stage"    the last stage and the new head are trained, the rest is frozen
           "fine-tuned"    everything is trained
           "gradually"     the head; the last stage too, after a third; everything, after two
    x, y   (N, C, H, W), (N,) labels 0 … K - 1
    lr     of SGD with momentum 0.9, a tenth after two thirds; default 0.05 from scratch, else 0.02

    What is frozen stays in evaluation mode, its batch norms with the old statistics.
    """
    if how not in HOWS:
        raise ValueError(f"how: expected one of {', '.join(HOWS)}, got {how!r}")
    if len(x) != len(y) or not len(x):
        raise ValueError(f"expected as many labels as images, got {len(x)} and {len(y)}")
    steps = checks.integer("steps", steps, 3)
    net = copy.deepcopy(net).train()
    replace_head(net, int(y.max()) + 1, seed)
    parts = stages(net)
    if how in ("last stage", "gradually") and len(parts) < 2:
        raise ValueError(f"how={how!r} needs a net with two stages or more, got {parts}")
    rate = lr if lr is not None else 0.05 if how == "from scratch" else 0.02
    optimizer = optim.SGD(net.parameters(), rate, momentum=0.9, weight_decay=1e-4)
    cut = MultiStepLR(optimizer, [2 * steps // 3])
    schedule: loop.Schedule = cut
    if how == "gradually":
        plan = {0: parts[-1], steps // 3: parts[-2], 2 * steps // 3: None}
        schedule = GradualUnfreezing(net, plan, cut)
    else:
        freeze(net, {"head only": parts[-1], "last stage": parts[-2:][0]}.get(how))
    loader = data.DataLoader(x, y, min(batch_size, len(x)), seed=seed, drop_last=True)
    endless = itertools.chain.from_iterable(itertools.repeat(loader))
    some = itertools.islice(endless, steps)
    for step in loop.train(net, optimizer, some, schedule=schedule):
        if step.diverged:
            break
    return net


def transfer(
    trained: nn.Module,
    fresh: nn.Module,
    x: Array,
    y: Array,
    x_test: Array,
    y_test: Array,
    *,
    budgets: Sequence[int] = (5, 10, 25, 100),
    hows: Sequence[str] = HOWS,
    steps: int = 150,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Return the test error (a fraction) of each way to adapt, for each number of labels per class.

    trained  the net whose features are transferred
    fresh    one of its kind that is untrained, for "from scratch"
    Rows have `how`, `labels` (per class) and `error`. All ways see the same labels.
    """
    rows: list[dict[str, Any]] = []
    for labels in budgets:
        some = labelled(y, labels, np.random.default_rng((seed, labels)))
        for how in hows:
            net = fresh if how == "from scratch" else trained
            adapted = adapt(net, how, x[some], y[some], steps=steps, seed=seed)
            rows.append({"how": how, "labels": labels, "error": error(adapted, x_test, y_test)})
    return rows

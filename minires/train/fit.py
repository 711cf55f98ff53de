"""`fit`: train a net by a recipe, with checkpoints, evaluations and an orderly end.

net = models.resnet20(seed=0)
train_images, test_images = data.load("cifar10"), data.load("cifar10", "test")
run = fit(net, train_images, test_images, RECIPES["he2015"], out="out/resnet20")
print(run.status, run.train_error, run.test_error)
fit(net, train_images, test_images, RECIPES["he2015"], out="out/resnet20", resume=True)
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from .. import nn, results
from ..data import Images
from ..parallel import Ranks
from ..random import using
from .folder import Folder
from .recipe import Recipe, recipe_named
from .run import Habits, Run
from .session import Session


def fit(
    net: nn.Module,
    train_images: Images,
    test_images: Images | None = None,
    recipe: Recipe | str = "he2015",
    *,
    out: results.StrPath | None = None,
    resume: bool = False,
    force: bool = False,
    seed: int = 0,
    model: Mapping[str, Any] | None = None,
    habits: Habits | None = None,
    origin: Mapping[str, Any] | None = None,
    ranks: Ranks | None = None,
) -> Run:
    """Train `net` by `recipe`; write checkpoints and results to `out`, if one is given.

    resume  go on from the checkpoint in `out`, bit by bit as if it had never stopped
    force   replace a run that is in `out`
    model   {"name": …, "options": {…}}, from which models.build makes the net again
    origin  {"command": …, "data": …}: where it comes from, as run.json and the checkpoint say
    ranks   of which this process is one, when several train together; rank 0 alone writes
    SIGINT and SIGTERM finish the step and save. Raises ValueError for a checkpoint of another
    model, recipe, data or seed; OSError for a folder that is in use, or cannot be written to.
    """
    recipe = recipe_named(recipe) if isinstance(recipe, str) else recipe
    habits, ranks = habits or Habits(), ranks or Ranks()
    if resume and out is None:
        raise ValueError("resume: name the folder of the run, out=…")
    with contextlib.ExitStack() as stack:
        folders: list[Folder] = []

        def enter() -> None:
            if out is not None:
                folders.append(stack.enter_context(Folder(out)))
                if not resume and not force:
                    folders[0].require_free()

        ranks.first(enter)
        folder = folders[0] if folders else None
        stack.enter_context(using(ranks.generator(seed)))
        session = Session(net, train_images, test_images, recipe, folder, seed, habits, ranks)
        session.name(model, origin)
        session.take_over = lambda: None if out is None else stack.enter_context(Folder(out))
        if folder is not None and not resume and force:  # now that nothing is wrong with the new
            folder.clear()
        if resume:
            session.resume()
        return session.run()

"""One session of a training: from the start, or from a checkpoint, to the end or a signal."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from minires_kernels import current_backend

from .. import nn, results
from ..data import Augment, ImageLoader, Images, Normalise
from ..parallel import RankLost, Ranks
from ..tensor import Array
from . import checkpoint, failures, finish, loop
from .averages import Averages
from .divergence import Before
from .evaluate import Evaluation, evaluate_together
from .flow import Flow
from .folder import Folder
from .identity import differences, fingerprint
from .listener import Progress
from .meter import Meter
from .metrics import INTERVAL, Metrics
from .outputs import METRICS, metrics_text
from .recipe import Recipe, recipe_of
from .run import EVALUATIONS, Habits, Run, batches_from, signal_name
from .schedule import Clock, Frozen, RecipeLR, loss_of, optimizer_of
from .signals import Stop
from .start import start
from .state import random_state, set_random_state


class Session:
    """What `fit` sets up; `run` takes the steps. Attributes are what listeners and outputs need."""

    def __init__(
        self,
        net: nn.Module,
        train_images: Images,
        test_images: Images | None,
        recipe: Recipe,
        folder: Folder | None,
        seed: int,
        habits: Habits,
        ranks: Ranks | None = None,
    ) -> None:
        self.net, self.recipe, self.folder = net, recipe, folder
        self.seed, self.habits, self.ranks = seed, habits, ranks or Ranks()
        self.train_images, self.test_images = train_images, test_images
        if (n := len(train_images)) < recipe.batch_size:
            text = f"batch_size: {recipe.batch_size} is more than the {n} training images"
            raise ValueError(f"{text}; choose a smaller one")
        self.ranks.require(recipe.batch_size)
        self.normalise = Normalise.of(train_images, recipe.normalise)
        self.loader = self._loader()
        self.per_epoch = len(self.loader)
        self.iterations = recipe.length(self.per_epoch)
        self.iteration, self.clock = 0, Clock()
        start(net, train_images, self.normalise, recipe.start)
        self.ranks.begin(net)
        self.ranks.go_by(self.clock)
        self.optimizer = optimizer_of(net, recipe)
        self.schedule = RecipeLR(self.optimizer, recipe, self.iterations, self.clock)
        self.averages = Averages(net, recipe)
        self.frozen = Frozen(net, recipe, self.per_epoch)
        self.loss, self.metrics = loss_of(recipe), Metrics(self.per_epoch)
        self.flow = Flow(habits.record, self.ranks)
        self.model: dict[str, Any] = {"name": type(net).__name__, "options": {}}
        self.origin: dict[str, Any] = {}
        self.test: Evaluation | None = None
        self.test_views: Evaluation | None = None  # of `recipe.views`, at the end
        self.log_lost = False
        self.before = Before(net)
        self.take_over: Callable[[], Folder | None] = lambda: None  # another rank's folder
        self.progress = Progress(
            self.model["name"],
            train_images.name,
            train_images.note,
            recipe,
            self.metrics,
            self.per_epoch,
            self.iterations,
            records=self.flow.rows,
        )
        self.meter = Meter(self.progress, self.schedule, self.clock, habits.listeners)

    def _loader(self) -> ImageLoader:
        recipe = self.recipe
        return ImageLoader(
            self.train_images,
            recipe.batch_size,
            augment=Augment(
                recipe.crop, recipe.pad, recipe.flip, recipe.cutout, padding=recipe.padding
            ),
            normalise=self.normalise,
            seed=self.seed,
            drop_last=True,
            workers=self.habits.workers,
            share=(self.ranks.rank, self.ranks.size),
        )

    def name(self, model: Mapping[str, Any] | None, origin: Mapping[str, Any] | None) -> None:
        """Set by what name and options the net can be built again, and where the run comes from."""
        if model is not None:
            self.model = {"name": model["name"], "options": dict(model.get("options", {}))}
            self.progress.name = model["name"]
        self.origin = dict(origin or {})

    # ---- checkpoints ----------------------------------------------------------------------------
    def identity(self) -> dict[str, Any]:
        """Return what a run is, in which two sessions of it must agree."""
        test = None if self.test_images is None else fingerprint(self.test_images)
        return {
            "model": self.model,
            "recipe": self.recipe.document(),
            "seed": self.seed,
            "data": {"train": fingerprint(self.train_images), "test": test},
        } | self.ranks.identity(self.net)

    def document(self) -> dict[str, Any]:
        """Return all that the run needs to go on."""
        return {
            "identity": self.identity(),
            "versions": results.versions() | {"backend": current_backend()},
            "origin": self.origin,
            "note": self.train_images.note,
            "classes": list(self.train_images.classes),
            "normalise": self.normalise.state(),
            "iteration": self.iteration,
            "per_epoch": self.per_epoch,
            "seconds": self.clock.seconds(),
            "aside": self.meter.aside,
            "waited": self.loader.waited,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            **self.averages.state(),
            "random": random_state(self.net),
            "metrics": self.metrics.state(),
            "flow": self.flow.rows,
        }

    def save(self) -> None:
        """Write a checkpoint. Raises OSError; then the last one is as it was."""
        if self.folder is not None:
            with self.meter.beside():
                checkpoint.save(self.folder.path, self.document())

    def resume(self) -> None:
        """Go to where the folder's checkpoint is. Raises ValueError if it is of another run."""
        saved, path, wrong = self.ranks.first(self._latest)
        if wrong:
            self.meter.say(f"{wrong}; going on from the one before, {path}")
        theirs = saved["identity"] | {"recipe": recipe_of(saved["identity"]["recipe"]).document()}
        if different := differences(theirs, json.loads(json.dumps(self.identity()))):
            raise ValueError(
                f"{path} is of another run; resume it as it began, or name another folder:\n  "
                + "\n  ".join(different)
            )
        versions = results.versions() | {"backend": current_backend()}
        if others := differences(saved["versions"], versions):
            self.meter.say("not the surroundings of before, bits may differ: " + "; ".join(others))
        self.clock.go_on(saved["seconds"])  # before the schedule, which may go by it
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        self.averages.load(saved)
        self.metrics.load(saved["metrics"])
        self.flow.rows[:] = saved["flow"]
        self.normalise = Normalise.from_state(saved["normalise"])
        self.loader = self._loader()
        self.loader.waited = saved.get("waited", 0.0)
        self.iteration, self.meter.aside = saved["iteration"], saved["aside"]
        set_random_state(self.net, saved["random"])

    def _latest(self) -> tuple[dict[str, Any], Path, str]:
        assert self.folder is not None
        return checkpoint.load_latest(self.folder.path)

    # ---- the training ---------------------------------------------------------------------------
    def run(self) -> Run:
        """Train to the end, a signal, a divergence, or a checkpoint that cannot be saved."""
        self.ranks.compare(self.identity())
        self.meter.begin(self.iteration)
        with Stop() as stop:
            self.ranks.watch(stop)
            status, reason = "finished", ""
            try:
                try:
                    if not self.over():
                        status, reason = self._steps()
                    if status == "finished":
                        self._end_of_training()
                except RankLost as error:
                    status, reason = "failed", failures.lost(self, error)
                self.save()
            except OSError as error:
                status, reason = "failed", failures.unsaved(self, error)
            number = self.ranks.stopped() if status == "interrupted" else None
            run = self._run(status, reason, number)
            if self.folder is not None and status != "failed":
                try:
                    run.files = finish.write(self, run)
                except OSError as error:
                    run.status = "failed"
                    run.reason = (
                        f"{error}; the checkpoint is saved: make room, then --resume writes it"
                    )
        self.meter.tell("end", run)
        return run

    def over(self) -> bool:
        """Return whether the training is at its end."""
        return self.schedule.done(self.iteration) >= 1

    def _steps(self) -> tuple[str, str]:
        """Take steps; return the status and the reason."""
        last_save, saved_at = time.monotonic(), self.iteration
        with contextlib.closing(self._batches()) as batches:
            for step in loop.train(
                self.net,
                self.optimizer,
                batches,
                schedule=self.schedule,
                watch=lambda index: self.flow.recorder(self.net, self.iteration),
                clip=self.recipe.clip,
                loss=self.loss,
                check_gradients=True,
                ranks=self.ranks if self.ranks.size > 1 else None,
            ):
                if step.diverged:
                    return "diverged", failures.diverged(self, step)
                self.iteration += 1
                self.metrics.add(step.loss, step.errors, step.images)
                self.averages.update(self.iteration, self.schedule.done(self.iteration))
                self.flow.take(self.iteration, step.loss)
                self._report()
                if (number := self.ranks.stopped()) is not None and not self.over():
                    return "interrupted", f"{signal_name(number)} at {self.iteration}"
                if self.over():
                    break
                if self._due(last_save, saved_at):
                    self.save()
                    self._log()
                    last_save, saved_at = time.monotonic(), self.iteration
        return "finished", ""

    def _batches(self) -> Generator[tuple[Array, Array]]:
        with contextlib.closing(batches_from(self.loader, self.iteration)) as batches:
            for x, y in batches:
                self.before.keep(x, y, self.iteration)
                self.frozen.begin(self.iteration)
                yield x, y

    def _due(self, last_save: float, saved_at: int) -> bool:
        if self.folder is None:
            return False
        if self.habits.checkpoint_every is not None:
            return self.iteration - saved_at >= self.habits.checkpoint_every
        return time.monotonic() - last_save >= self.habits.checkpoint_seconds

    def eval_every(self) -> int:
        """Return the iterations between two evaluations."""
        if self.habits.eval_every is not None:
            return self.habits.eval_every
        epochs = 1 if self.iterations is None else self.iterations / self.per_epoch
        return self.per_epoch * max(1, -int(-epochs // EVALUATIONS))

    def _report(self) -> None:
        """Tell listeners of the step, and of rows that are due."""
        if self.iteration % INTERVAL == 0:
            self.schedule.saw(self.metrics.running(INTERVAL)[1])
        self.meter.update(self.iteration)
        self.meter.tell("step")
        if self.iteration % INTERVAL == 0:
            self.meter.row("interval", INTERVAL)
        if self.iteration % self.per_epoch == 0:
            self.meter.row("epoch", self.per_epoch)
        if self.iteration % self.eval_every() == 0 and not self.over():
            self.evaluate()

    def _end_of_training(self) -> None:
        """Make the last rows, unless they are there, as in a run that only has to be written."""
        last = self.metrics.last("interval")
        begun = self.iteration - (0 if last is None else last.iteration)
        if begun:
            self.meter.row("interval", begun)
        final = self.metrics.last("epoch")
        if final is None or final.iteration != self.iteration:
            self.meter.row("epoch", self.per_epoch)
        self.averages.end()
        self.test_views = None
        self.evaluate()
        if self.test_images is not None and self.recipe.views > 1:
            self.test_views = self._evaluation(self.test_images, self.recipe.views)

    def evaluate(self) -> None:
        """Evaluate on the test images, if there are any, with the averaged weights if there are."""
        if self.test_images is None:
            return
        self.test = self._evaluation(self.test_images)
        last = self.metrics.last("test")
        if last is None or last.iteration != self.iteration:
            self.meter.row("test", 0, self.test)

    def _evaluation(self, images: Images, views: int = 1) -> Evaluation:
        with self.meter.beside(), self.averages.applied():
            return evaluate_together(self.net, images, self.normalise, self.ranks, views)

    def _log(self) -> None:
        """Write metrics.csv as it is now; if that fails, say so once and go on."""
        if self.folder is None:
            return
        try:
            with self.meter.beside():
                results.write_text(self.folder / METRICS, metrics_text(self.metrics.table()))
            self.log_lost = False
        except OSError as error:
            if not self.log_lost:
                self.meter.say(f"{error}; going on: its rows are in the checkpoint")
            self.log_lost = True

    def _run(self, status: str, reason: str, number: int | None) -> Run:
        loss, error = self.metrics.running(self.per_epoch)
        return Run(
            self.net,
            self.recipe,
            self.normalise,
            status,
            self.iteration,
            self.iterations,
            self.clock.seconds(),
            self.metrics.rows,
            loss,
            error,
            self.test if status == "finished" else None,
            self.test_views if status == "finished" else None,
            number,
            reason,
            None if self.folder is None else self.folder.path,
            records=self.flow.rows,
            identity=self.identity(),
        )

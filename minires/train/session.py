"""One session of a training: from the start, or from a checkpoint, to the end or a signal."""

from __future__ import annotations

import contextlib
import errno
import json
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from minires_kernels import current_backend

from .. import nn, optim, results
from ..data import Augment, ImageLoader, Images, Normalise
from ..tensor import Array
from . import checkpoint, divergence, finish, loop
from .divergence import Before
from .evaluate import Evaluation, evaluate
from .flow import Flow
from .folder import Folder
from .identity import differences, fingerprint
from .listener import Progress
from .metrics import INTERVAL, Metrics, Row
from .outputs import METRICS, metrics_text
from .recipe import Recipe
from .run import EVALUATIONS, Habits, Run, batches_from, signal_name
from .schedule import Clock, RecipeLR, loss_of, optimizer_of
from .signals import Stop
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
    ) -> None:
        self.net, self.recipe, self.folder, self.seed, self.habits = (
            net,
            recipe,
            folder,
            seed,
            habits,
        )
        self.train_images, self.test_images = train_images, test_images
        if len(train_images) < recipe.batch_size:
            raise ValueError(
                f"batch_size: {recipe.batch_size} is more than the {len(train_images)} training "
                "images; choose a smaller one"
            )
        self.normalise = Normalise.of(train_images, recipe.normalise)
        self.loader = self._loader()
        self.per_epoch = len(self.loader)
        self.iterations = recipe.length(self.per_epoch)
        self.iteration, self.clock, self.aside = 0, Clock(), 0.0
        self.optimizer = optimizer_of(net, recipe)
        self.schedule = RecipeLR(self.optimizer, recipe, self.iterations, self.clock)
        self.ema = None if recipe.ema is None else optim.EMA(net, recipe.ema)
        self.loss = loss_of(recipe)
        self.metrics = Metrics(self.per_epoch)
        self.flow = Flow(habits.record)
        self.model: dict[str, Any] = {"name": type(net).__name__, "options": {}}
        self.origin: dict[str, Any] = {}
        self.test: Evaluation | None = None
        self.log_lost = False
        self._marks: dict[str, tuple[int, float]] = {}
        self.progress = Progress(
            self.model["name"],
            train_images.name,
            train_images.note,
            recipe,
            self.metrics,
            self.per_epoch,
            self.iterations,
        )

    def _loader(self) -> ImageLoader:
        recipe = self.recipe
        return ImageLoader(
            self.train_images,
            recipe.batch_size,
            augment=Augment(recipe.crop, recipe.pad, recipe.flip, recipe.cutout),
            normalise=self.normalise,
            seed=self.seed,
            drop_last=True,
            workers=self.habits.workers,
        )

    def name(self, model: Mapping[str, Any] | None, origin: Mapping[str, Any] | None) -> None:
        """Set by what name and options the net can be built again, and where the run comes from."""
        if model is not None:
            self.model = {"name": model["name"], "options": dict(model.get("options", {}))}
            self.progress.name = self.model["name"]
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
        }

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
            "aside": self.aside,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "ema": None if self.ema is None else self.ema.state_dict(),
            "random": random_state(self.net),
            "metrics": self.metrics.state(),
            "flow": self.flow.rows,
        }

    def save(self) -> None:
        """Write a checkpoint. Raises OSError; then the last one is as it was."""
        if self.folder is not None:
            with self._aside():
                checkpoint.save(self.folder.path, self.document())

    def resume(self) -> None:
        """Go to where the folder's checkpoint is. Raises ValueError if it is of another run."""
        assert self.folder is not None
        saved, path, wrong = checkpoint.load_latest(self.folder.path)
        if wrong:
            self.say(f"{wrong}; going on from the one before, {path}")
        now = json.loads(json.dumps(self.identity()))
        if different := differences(saved["identity"], now):
            raise ValueError(
                f"{path} is of another run, so it cannot be continued as this one:\n  "
                + "\n  ".join(different)
            )
        versions = results.versions() | {"backend": current_backend()}
        if others := differences(saved["versions"], versions):
            self.say("not the surroundings of before, bits may differ: " + "; ".join(others))
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        if self.ema is not None:
            self.ema.load_state_dict(saved["ema"])
        self.metrics.load(saved["metrics"])
        self.flow.rows = saved["flow"]
        self.normalise = Normalise.from_state(saved["normalise"])
        self.loader = self._loader()
        self.iteration, self.aside = saved["iteration"], saved["aside"]
        self.clock.start -= saved["seconds"]
        set_random_state(self.net, saved["random"])

    # ---- the training ---------------------------------------------------------------------------
    def run(self) -> Run:
        """Train to the end, a signal, a divergence, or a checkpoint that cannot be saved."""
        self._update()
        self.tell("begin")
        with Stop() as stop:
            status, reason = "finished", ""
            try:
                if not self.over():
                    status, reason = self._steps(stop)
                if status == "finished":
                    self._end_of_training()
                self.save()
            except OSError as error:
                status, reason = "failed", self._unsaved(error)
            run = self._run(status, reason, stop.signal if status == "interrupted" else None)
            if self.folder is not None and status != "failed":
                try:
                    run.files = finish.write(self, run)
                except OSError as error:
                    run.status = "failed"
                    run.reason = (
                        f"{error}; the checkpoint is saved: make room, then --resume writes it"
                    )
        self.tell("end", run)
        return run

    def over(self) -> bool:
        """Return whether the training is at its end."""
        return self.schedule.done(self.iteration) >= 1

    def _steps(self, stop: Stop) -> tuple[str, str]:
        """Take steps; return the status and the reason."""
        before = Before(self.net)
        last_save, saved_at = time.monotonic(), self.iteration
        with contextlib.closing(self._batches(before)) as batches:
            for step in loop.train(
                self.net,
                self.optimizer,
                batches,
                schedule=self.schedule,
                watch=lambda index: self.flow.recorder(self.net, self.iteration),
                clip=self.recipe.clip,
                loss=self.loss,
                check_gradients=True,
            ):
                if step.diverged:
                    return "diverged", self._diverged(before, step)
                self.iteration += 1
                self.metrics.add(step.loss, step.errors, len(step.y))
                if self.ema is not None:
                    self.ema.update()
                self.flow.take(self.iteration, step.loss)
                self._report()
                if stop.signal is not None and not self.over():
                    return "interrupted", f"{signal_name(stop.signal)} at {self.iteration}"
                if self.over():
                    break
                if self._due(last_save, saved_at):
                    self.save()
                    self._log()
                    last_save, saved_at = time.monotonic(), self.iteration
        return "finished", ""

    def _batches(self, before: Before) -> Generator[tuple[Array, Array]]:
        with contextlib.closing(batches_from(self.loader, self.iteration)) as batches:
            for x, y in batches:
                before.keep(x, y)
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
        self._update()
        self.tell("step")
        if self.iteration % INTERVAL == 0:
            self._row("interval", INTERVAL)
            error = self.metrics.running(INTERVAL)[1]
            if error is not None:
                self.schedule.saw(error)
        if self.iteration % self.per_epoch == 0:
            self._row("epoch", self.per_epoch)
        if self.iteration % self.eval_every() == 0 and not self.over():
            self.evaluate()

    def _end_of_training(self) -> None:
        """Make the last rows, unless they are there, as in a run that only has to be written."""
        last = self.metrics.last("interval")
        begun = self.iteration - (0 if last is None else last.iteration)
        if begun:
            self._row("interval", begun)
        final = self.metrics.last("epoch")
        if final is None or final.iteration != self.iteration:
            self._row("epoch", self.per_epoch)
        self.evaluate()

    def evaluate(self) -> None:
        """Evaluate on the test images, if there are any, with the averaged weights if there are."""
        if self.test_images is None:
            return
        averaged: Any = contextlib.nullcontext() if self.ema is None else self.ema.applied()
        with self._aside(), averaged:
            self.test = evaluate(self.net, self.test_images, self.normalise)
        last = self.metrics.last("test")
        if last is None or last.iteration != self.iteration:
            self._row("test", 0)

    def _row(self, kind: str, batches: int) -> None:
        """Add a row to the metrics."""
        row = Row(
            kind,
            self.iteration,
            round(self.iteration / self.per_epoch, 6),
            self.progress.lr,
            seconds=round(self.clock.seconds(), 3),
        )
        if kind == "test":
            assert self.test is not None
            row.test_loss, row.test_error = self.test.loss, self.test.error
        else:
            row.train_loss, row.train_error = self.metrics.running(batches)
            row.images_per_second = self._speed(kind)
        self.metrics.rows.append(row)
        self.tell("row", row)

    def _speed(self, kind: str) -> float | None:
        """Return images per second of training since the last row of a kind, in this session."""
        now = (self.iteration, self.clock.seconds() - self.aside)
        then = self._marks.get(kind, self._mark)
        self._marks[kind] = now
        steps, seconds = now[0] - then[0], now[1] - then[1]
        return round(steps * self.recipe.batch_size / seconds, 1) if steps and seconds > 0 else None

    def _update(self) -> None:
        """Bring `progress` up to date."""
        p, now = self.progress, self.clock.seconds()
        if not p.seconds:  # a session begins
            self._began = self._latest = (self.iteration, now, self.schedule.done(self.iteration))
            self._mark = (self.iteration, now - self.aside)
            self._marks.clear()
        p.iteration, p.seconds = self.iteration, max(now, 1e-9)
        p.lr = self.optimizer.param_groups[0]["lr"]
        p.done = self.schedule.done(self.iteration)
        done, seconds = p.done - self._began[2], now - self._began[1]
        p.eta = (1 - p.done) * seconds / done if done > 0 else None
        if self.iteration - self._latest[0] >= 20:
            steps, spent = self.iteration - self._latest[0], now - self._latest[1]
            p.images_per_second = steps * self.recipe.batch_size / spent if spent > 0 else None
            self._latest = (self.iteration, now, p.done)
        elif p.images_per_second is None and self.iteration > self._began[0] and seconds > 0:
            steps = self.iteration - self._began[0]
            p.images_per_second = steps * self.recipe.batch_size / seconds

    @contextlib.contextmanager
    def _aside(self) -> Iterator[None]:
        """Count what the block takes as no time of training."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.aside += time.monotonic() - start

    # ---- what goes wrong ------------------------------------------------------------------------
    def _diverged(self, before: Before, step: loop.Step) -> str:
        """Save the evidence; return what happened."""
        before.restore()
        state = self.net.state_dict()
        where, layers = divergence.locate(self.net, before.x, before.y, self.loss)
        before.restore()
        what = "a gradient is not finite" if step.broken else f"the loss is {step.loss}"
        text = f"at iteration {self.iteration} {what}: {where}"
        if self.folder is not None:
            record = {
                "iteration": self.iteration,
                "lr": self.progress.lr,
                "loss": step.loss,
                "first": where,
                "layers": layers,
                "identity": self.identity(),
            }
            try:
                paths = divergence.save(self.folder.path, state, before.x, before.y, record)
                text += f"\nthe batch, the weights before it and the layers: {paths[0]}, {paths[1]}"
            except OSError as error:
                text += f"\nthe evidence could not be saved: {error}"
        return text + "\ntry a lower --lr, a --warmup, or a limit of the gradients (--clip)"

    def _unsaved(self, error: OSError) -> str:
        full = " (the disk is full)" if error.errno == errno.ENOSPC else ""
        assert self.folder is not None
        kept = checkpoint.exists(self.folder.path)
        rest = "the last one is intact: --resume goes on from it" if kept else "there is none yet"
        return (
            f"the checkpoint of iteration {self.iteration} cannot be saved{full}: {error}; {rest}"
        )

    def _log(self) -> None:
        """Write metrics.csv as it is now; if that fails, say so once and go on."""
        if self.folder is None:
            return
        try:
            with self._aside():
                results.write_text(self.folder / METRICS, metrics_text(self.metrics.table()))
            self.log_lost = False
        except OSError as error:
            if not self.log_lost:
                self.say(f"{error}; going on: its rows are in the checkpoint")
            self.log_lost = True

    # ---- telling --------------------------------------------------------------------------------
    def tell(self, event: str, *details: Any) -> None:
        """Call this method of all listeners, with the progress first."""
        for listener in self.habits.listeners:
            getattr(listener, event)(self.progress, *details)

    def say(self, text: str) -> None:
        """Tell the user something."""
        for listener in self.habits.listeners:
            listener.say(text)

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
            number,
            reason,
            None if self.folder is None else self.folder.path,
        )

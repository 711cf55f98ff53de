"""Train a CIFAR net in minires and in PyTorch side by side: images per second, and errors.

    python -m benchmarks.train [--iterations N] [--seeds K] [--model NAME] [--data NAME]
                               [--root DIR] [--recipe NAME] [--threads N] [--json]

Both nets start from the same weights and see the same batches: the loader is ours for both, one
thread that augments ahead, so that its time counts alike. PyTorch runs eagerly in channels_last
memory with torch.optim.SGD. They take turns of 25 iterations in one process, and what is timed is
all of a turn: batches, forward, backward, update, loss and error. The rate falls as `minires train
--iterations N` lets it. Errors: training, of the last epoch's worth of batches as they ran; test,
in evaluation mode at the end; mean ± standard deviation over the seeds.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from minires import console, data, models, results, train
from minires.cli.arguments import positive_int
from minires.data import Augment, ImageLoader, Images, Normalise
from minires.train import Recipe, loop
from minires.train.run import batches_from
from minires.train.schedule import Clock, RecipeLR, loss_of, optimizer_of

from . import peers, timing, torch_models

TURN = 25  # iterations
Steps = Iterator[tuple[float, int, int]]  # loss, errors, images of a batch


class Contest:
    """Two nets of one seed, trained in turns."""

    def __init__(self, name: str, recipe: Recipe, train_set: Images, seed: int) -> None:
        self.recipe, self.train_set, self.seed = recipe, train_set, seed
        self.normalise = Normalise.of(train_set, recipe.normalise)
        channels, classes = train_set.x.shape[3], len(train_set.classes)
        self.net = models.build(name, in_channels=channels, num_classes=classes, seed=seed)
        self.twin = torch_models.build(self.net, "cifar")
        self.per_epoch = len(self.loader())

    def loader(self) -> ImageLoader:
        r = self.recipe
        return ImageLoader(
            self.train_set,
            r.batch_size,
            augment=Augment(r.crop, r.pad, r.flip, r.cutout),
            normalise=self.normalise,
            seed=self.seed,
            drop_last=True,
        )

    def ours(self, iterations: int) -> Steps:
        """Train in minires."""
        optimizer = optimizer_of(self.net, self.recipe)
        schedule = RecipeLR(optimizer, self.recipe, iterations, Clock())
        batches = batches_from(self.loader(), 0)
        steps = loop.train(
            self.net, optimizer, batches, schedule=schedule, loss=loss_of(self.recipe),
            check_gradients=True,
        )  # fmt: skip
        for step in steps:
            yield step.loss, step.errors, len(step.y)

    def theirs(self, iterations: int) -> Steps:
        """Train in PyTorch."""
        torch, r = peers.torch(), self.recipe
        twin = self.twin.to(memory_format=torch.channels_last).train()
        sgd = torch.optim.SGD(
            twin.parameters(), r.lr, r.momentum, weight_decay=r.weight_decay, nesterov=r.nesterov
        )
        loss_function = torch.nn.CrossEntropyLoss(label_smoothing=r.label_smoothing)
        for t, (x, y) in enumerate(batches_from(self.loader(), 0)):
            for group in sgd.param_groups:
                group["lr"] = r.lr * r.factor((t + 0.5) / iterations)
            sgd.zero_grad()
            labels = torch.from_numpy(y)
            logits = twin(torch.from_numpy(x))
            loss = loss_function(logits, labels)
            loss.backward()
            sgd.step()
            yield float(loss.item()), int((logits.argmax(1) != labels).sum()), len(y)

    def test_errors(self, images: Images) -> dict[str, float]:
        """Return both test errors, 0 to 1."""
        torch = peers.torch()
        ours = train.evaluate(self.net, images, self.normalise).error
        self.twin.eval()
        wrong = 0
        with torch.no_grad():
            for i in range(0, len(images), 250):
                x = torch.from_numpy(self.normalise(images.x[i : i + 250]))
                found = self.twin(x).argmax(1).numpy()
                wrong += int((found != images.y[i : i + 250]).sum())
        return {"minires": ours, "PyTorch": wrong / len(images)}


def take_turns(makers: dict[str, Callable[[], Steps]], iterations: int) -> dict[str, Any]:
    """Run all to the end, in turns; return for each its seconds per turn and what it yielded."""
    found: dict[str, Any] = {who: {"rate": [], "steps": []} for who in makers}
    with contextlib.ExitStack() as stack:
        runs = {
            who: stack.enter_context(contextlib.closing(make())) for who, make in makers.items()
        }  # type: ignore[type-var]
        for first in range(0, iterations, TURN):
            count = min(TURN, iterations - first)
            for who in list(runs) if first // TURN % 2 else reversed(list(runs)):
                time.sleep(timing.PAUSE_S)
                start = time.perf_counter()
                steps = [next(runs[who]) for _ in range(count)]
                seconds = time.perf_counter() - start
                found[who]["steps"] += steps
                if first:  # the first turn compiles and fills caches
                    found[who]["rate"].append(sum(n for _, _, n in steps) / seconds)
    return found


def measure(
    name: str, recipe: Recipe, sets: tuple[Images, Images], iterations: int, seeds: int
) -> list[dict[str, Any]]:
    """Return a row per seed and contender."""
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        contest = Contest(name, recipe, sets[0], seed)
        makers = {
            "minires": lambda c=contest: c.ours(iterations),
            "PyTorch": lambda c=contest: c.theirs(iterations),
        }
        start, busy = time.perf_counter(), timing.others_busy_s()
        found = take_turns(makers, iterations)
        others = None
        if busy is not None:
            busy = max(0.0, (timing.others_busy_s() or busy) - busy)
            others = busy / (time.perf_counter() - start)
        tested = contest.test_errors(sets[1])
        for who, what in found.items():
            last = what["steps"][-contest.per_epoch :]
            images = sum(n for _, _, n in last)
            rows.append(
                {
                    "model": name,
                    "iterations": iterations,
                    "contender": who,
                    "seed": seed,
                    "others": others,
                    "images/s": statistics.median(what["rate"]) if what["rate"] else None,
                    "first loss": what["steps"][0][0],
                    "train error, %": 100 * sum(e for _, e, _ in last) / images,
                    "test error, %": 100 * tested[who],
                }
            )
        timing.note(f"seed {seed}: done")
    return rows


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a line per contender: medians of speed, errors over the seeds."""
    lines = []
    for who in dict.fromkeys(row["contender"] for row in rows):
        own = [row for row in rows if row["contender"] == who]
        speed = [row["images/s"] for row in own if row["images/s"] is not None]
        lines.append(
            {
                "contender": who,
                "seeds": len(own),
                "images/s": float(np.median(speed)) if speed else None,
                **{
                    what: results.spread([row[what] for row in own], "{:.2f}")
                    for what in ("train error, %", "test error, %")
                },
            }
        )
    known = [line["images/s"] for line in lines]
    if all(known) and len(lines) == 2:
        for line in lines:
            line["times PyTorch's"] = line["images/s"] / known[1]
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m benchmarks.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--iterations", type=positive_int, default=100, metavar="N")
    parser.add_argument("--seeds", type=positive_int, default=1, metavar="K")
    parser.add_argument("--model", default="resnet20", metavar="NAME", help="a CIFAR net")
    parser.add_argument("--data", default="cifar10", metavar="NAME")
    parser.add_argument("--root", metavar="DIR")
    parser.add_argument("--recipe", default="he2015", metavar="NAME")
    parser.add_argument("--threads", type=positive_int, metavar="N")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    if peers.torch() is None:
        raise ImportError("PyTorch is not installed; this program compares with it")
    timing.set_threads(args.threads)
    sets = tuple(data.load(args.data, split, args.root) for split in ("train", "test"))
    recipe = train.RECIPES[args.recipe].changed(iterations=args.iterations)
    rows = measure(args.model, recipe, (sets[0], sets[1]), args.iterations, args.seeds)
    timing.warn_if_busy(rows)
    if args.json:
        timing.print_json(rows)
        return 0
    print(timing.machine_line())
    print(
        f"{args.model}, {sets[0].name} {sets[0].note}, {args.recipe}: {args.iterations} iterations"
    )
    print(results.table(summary(rows)))
    return 0


if __name__ == "__main__":
    console.run(main, "benchmarks.train")

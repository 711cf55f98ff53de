"""`minires train`: train a net on images by a recipe, with checkpoints."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import console, results
from .train_options import add_options

if TYPE_CHECKING:
    from ..parallel import Ranks
    from ..train import Habits, Recipe, Run

NO_AUGMENTATION = ("digits", "synthetic")  # mirrored or shifted they would be other classes


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "train",
        help="train a net on images by a recipe, with checkpoints",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Train a net by a recipe. OUT gets model.safetensors, metrics.csv (every 100\n"
        "iterations, every epoch, every evaluation), curves, run.json and checkpoints, from which\n"
        "--resume goes on bit by bit. Ctrl-C, or SIGTERM, saves and stops.",
        epilog="a shorter or longer training scales its milestones and warm-up with it.\n"
        "example: minires train --model resnet20 --data cifar10 --recipe he2015 --out out/r20\n"
        "         minires train --resume --out out/r20",
    )
    add_options(p)
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; return 0, 1 if it diverged or could not be saved, 128 + N after signal N."""
    from .. import parallel

    size = parallel.inside()
    if args.ranks not in (None, 1, size):
        if size > 1:
            raise ValueError(f"--ranks {args.ranks}: mpirun has started {size}; leave it out")
        return parallel.launch(args.ranks, [sys.executable, "-m", "minires", *console.typed])
    if size > 1 and console.process:
        parallel.guard()
    ranks = parallel.Ranks(parallel.world(), args.sync_bn)
    return parallel.among(ranks.comm, lambda: _train(args, ranks))


def _train(args: argparse.Namespace, ranks: Ranks) -> int:
    from .. import data, models, train
    from ..models.registry import find
    from ..store import Store
    from ..train import checkpoint

    args.quiet |= ranks.rank > 0
    if not args.out:
        raise ValueError("--out: name a folder for the run")
    if args.resume and args.force:
        raise ValueError("--resume goes on, --force begins anew: give one of them")
    before: dict[str, Any] = {}
    if args.resume:
        before = _settings_of(ranks.first(lambda: checkpoint.load_latest(Path(args.out))[0]))
    chosen = _chosen(args, before)
    if "terminal" in args.watch and not chosen["record"]:
        raise ValueError("--watch terminal: shows what is recorded; add --record N, e.g. 10")
    if args.show and "terminal" not in args.watch:
        raise ValueError("--show is for --watch terminal; the page of --watch shows all four")
    if "terminal" in args.watch and args.quiet and ranks.rank == 0:
        raise ValueError("--watch terminal shows the training, --quiet does not: give one of them")
    if chosen["store"]:
        ranks.first(lambda: Store(chosen["store"]))  # a file there is told of before the work
    recipe = _recipe(args, before, chosen["data"])
    if recipe.minutes is not None and (chosen["store"] or chosen["record"]) and ranks.rank == 0:
        console.say("not kept in a store: no two trainings of so many minutes have the same bits")
    train_images = data.load(chosen["data"], "train", chosen["root"], size=chosen["size"])
    test_images = data.load(chosen["data"], "test", chosen["root"], size=chosen["size"])
    ranks.sync_bn |= bool(before.get("sync_bn"))
    options = dict(chosen["options"])
    if fixed := {"in_channels", "num_classes", "seed"} & set(options):
        why = "--seed gives it" if fixed == {"seed"} else "the data decides it"
        raise ValueError(f"--option {', '.join(sorted(fixed))}: leave it out, {why}")
    if not {"in_channels", "num_classes"} <= set(find(chosen["model"]).options):
        raise ValueError(f"--model {chosen['model']}: this net does not classify images")
    net = models.build(
        chosen["model"],
        in_channels=train_images.x.shape[3],
        num_classes=len(train_images.classes),
        seed=chosen["seed"],
        **options,
    )
    origin = {k: v for k, v in chosen.items() if k not in ("model", "options", "seed")}
    if ranks.sync_bn and ranks.size > 1:
        origin["sync_bn"] = True
    done = train.fit(
        net,
        train_images,
        test_images,
        recipe,
        out=args.out,
        resume=args.resume,
        force=args.force,
        seed=chosen["seed"],
        model={"name": chosen["model"], "options": options},
        habits=_habits(args, chosen, ranks.rank),
        origin=origin | {"command": before.get("command") or console.command()},
        ranks=ranks,
    )
    code = _report(args, done, ranks) if ranks.speaks() else _code(done)
    if (chosen["store"] or chosen["record"]) and ranks.rank == 0:
        return _keep(args, chosen, done, ranks) or code
    return code


def _settings_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return what a checkpoint was started with."""
    identity = document["identity"]
    return {
        **document["origin"],
        "model": identity["model"]["name"],
        "options": identity["model"]["options"],
        "recipe": identity["recipe"],
        "seed": identity["seed"],
    }


def _chosen(args: argparse.Namespace, before: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked for, or was before, or is the default."""
    given = {
        "model": args.model,
        "options": None if args.option is None else dict(args.option),
        "data": args.data,
        "root": args.root,
        "size": args.size,
        "seed": args.seed,
        "eval_every": args.eval_every,
        "checkpoint_every": args.checkpoint_every,
        "record": args.record,
        "store": args.store,
    }
    defaults: dict[str, Any] = {
        "model": "resnet20",
        "options": {},
        "data": "cifar10",
        "seed": 0,
        "checkpoint_every": (None, 300.0),
        "record": 0,
    }
    return {
        key: value if value is not None else before.get(key, defaults.get(key))
        for key, value in given.items()
    }


def _recipe(args: argparse.Namespace, before: dict[str, Any], data: str) -> Recipe:
    from ..train.recipe import Recipe, recipe_named, recipe_of

    names = {f.name for f in fields(Recipe)}
    given = {k: v for k, v in vars(args).items() if k in names and v is not None}
    given |= dict(args.set or [])
    if before and args.recipe is None:
        return recipe_of(before["recipe"]).changed(**given)
    recipe = recipe_named(args.recipe or "he2015")
    if data in NO_AUGMENTATION and not {"crop", "flip"} & set(given):
        recipe = recipe.changed(crop="none", flip="none", cutout=0)
        if not (args.quiet or before):
            console.say(f"{data}: no augmentation; --set crop=pad and the like choose one")
    changed = recipe.changed(**given)
    if changed.cuts() and changed.document() != recipe.document() and not args.quiet:
        length = next((n for n in ("iterations", "epochs", "minutes") if getattr(changed, n)), "")
        if length in given:
            at = ", ".join(f"{cut * getattr(changed, length):g}" for cut in changed.cuts())
            console.say(f"the rate is cut at {at} {length}: milestones scale with the length")
    return changed


def _habits(args: argparse.Namespace, chosen: dict[str, Any], rank: int) -> Habits:
    from ..train import Habits
    from ..train.console import Console
    from ..train.listener import Listener

    listeners: list[Listener] = [] if args.quiet else [Console()]
    if "terminal" in args.watch and rank == 0:
        from ..train.flowmap_terminal import MapConsole

        listeners = [MapConsole(args.show or "dx")]
    if "page" in args.watch and rank == 0:
        from ..train.page import Page

        listeners.append(Page(Path(args.out)))
    iterations, seconds = chosen["checkpoint_every"]
    return Habits(
        eval_every=chosen["eval_every"],
        checkpoint_every=iterations,
        checkpoint_seconds=seconds,
        record=chosen["record"],
        workers=args.workers,
        listeners=listeners,
    )


def _keep(args: argparse.Namespace, chosen: dict[str, Any], done: Run, ranks: Ranks) -> int:
    """Put a training that has come to its end into a store; return 1 if that fails."""
    from ..store import Store
    from ..store.fit import Fit, result_of

    if done.status not in ("finished", "diverged") or done.recipe.minutes is not None:
        return 0
    try:
        together = (ranks.size, ranks.sync_bn and ranks.size > 1)
        fit = Fit(done.identity, chosen["record"], chosen["eval_every"], *together)
        run = Store(chosen["store"] or args.out).put(fit, result_of(done), done.seconds)
    except OSError as error:
        console.say(f"minires: {error}; all else is in {args.out}")
        return 1
    if not args.json:
        print(f"kept in {run.path}; see `minires runs`")
    return 0


def _code(done: Run) -> int:
    return 0 if done.status == "finished" else 1 if done.signal is None else 128 + done.signal


def _report(args: argparse.Namespace, done: Run, ranks: Ranks) -> int:
    """Print what came out; return the exit code."""
    from ..train.console import duration

    if args.json and done.files:
        sys.stdout.write(results.read_text(done.files[-1]))
    elif done.train_error is not None:
        print(f"{done.iteration} iterations in {duration(done.seconds)}")
        print(
            f"training error {100 * done.train_error:.2f} % (last epoch, the batches as they ran)"
        )
        if done.test is not None:
            print(f"test error     {100 * done.test.error:.2f} % of {done.test.images} images")
        if (seen := done.test_views) is not None:
            print(f"               {100 * seen.error:.2f} % by {seen.views} views of each image")
        if done.files:
            print(results.wrote(done.files, []))
    if done.status != "finished":
        console.say(f"minires: {done.status}: {done.reason}")
        if done.signal is not None:
            as_many = f" --ranks {ranks.size}" if ranks.size > 1 else ""
            out = shlex.quote(str(args.out))
            console.say(f"go on: minires train{as_many} --resume --out {out}")
    return _code(done)

"""`minires degradation`: train plain and residual twins, and compare their training error."""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import Any

from .. import console, results
from ..experiments.columns import explain
from ..experiments.settings import ACTIVATIONS, INITS, NORMS, OPTIMIZERS
from .arguments import (
    add_experiment_options,
    choose_backend,
    collect,
    given,
    natural,
    positive_float,
    positive_int,
    progress_bar,
)

OUT = "out/degradation"  # beside the results of gradflow, whose run.json has the same name


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "degradation",
        help="train plain and residual twins and compare training errors by depth",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Train plain and residual nets of several depths alike, on the UCI digits,\n"
        "with SGD (momentum 0.9; the rate is cut to a tenth at 50 % and 75 % of the training)\n"
        "unless told otherwise, and report the training error of the last epoch, on the\n"
        "batches as they ran.",
        epilog='columns of curves.csv (all of them: run.json, "columns"):\n'
        + explain("epoch", "train_loss", "train_error"),
    )
    add_experiment_options(p, [6, 18, 54, 108], "64 (mlp), 8 (conv)", OUT)
    p.add_argument("--norm", choices=NORMS, default="bn", help="ln: layer norm. Default: bn")
    p.add_argument("--init", choices=INITS, default="he", help="default: he")
    p.add_argument("--activation", choices=ACTIVATIONS, default="relu", help="default: relu")
    p.add_argument("--epochs", type=positive_int, default=20, metavar="N", help="default: 20")
    p.add_argument(
        "--weight-decay", type=positive_float, default=1e-4, metavar="A", help="default: 1e-4"
    )
    p.add_argument("--optimizer", choices=OPTIMIZERS, default="sgd", help="default: sgd")
    p.add_argument(
        "--warmup",
        type=natural,
        default=0,
        metavar="N",
        help="steps over which the rate rises linearly to --lr. Default: 0, none",
    )
    p.add_argument(
        "--clip",
        type=positive_float,
        metavar="C",
        help="largest norm of all gradients together; longer ones are scaled to it. Default: none",
    )
    p.add_argument(
        "--milestones",
        type=fractions,
        default=(0.5, 0.75),
        metavar="F,…",
        help="fractions of the training at which the rate is cut to a tenth, or none. "
        "Default: 0.5,0.75",
    )
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the experiment and print where the results are."""
    return execute(
        args,
        norm=args.norm,
        init=args.init,
        activation=args.activation,
        epochs=args.epochs,
        weight_decay=args.weight_decay,
        optimizer=args.optimizer,
        warmup=args.warmup,
        clip=args.clip,
        milestones=args.milestones,
    )


def fractions(text: str) -> tuple[float, ...]:
    """Parse "0.5,0.75", or "none" as no fractions."""
    if text == "none":
        return ()
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = (math.nan,)
    if not all(0 < cut < 1 for cut in found):
        raise argparse.ArgumentTypeError(
            f"expected fractions between 0 and 1, e.g. 0.5,0.75, or none; got {text!r}"
        )
    return found


def execute(args: argparse.Namespace, *, norm: str, init: str, activation: str, **how: Any) -> int:
    """Run it with the arguments that this command and `gradflow --train` share.

    how     fields of the recipe that have no argument there
    """
    from .. import degradation
    from ..experiments import statements

    choose_backend(args)
    recipe = degradation.Recipe(batch_size=args.batch_size, lr=args.lr, **how)
    found = degradation.stream(
        args.arch,
        args.depths,
        args.skip,
        norm,
        init,
        args.seeds,
        width=args.width,
        branch_scale=args.branch_scale,
        activation=activation,
        recipe=recipe,
        progress=progress_bar,
    )
    before = results.files_of(results.folder(args.out))
    start = time.perf_counter()
    curves, whole = collect(found)
    asked = len(args.depths) * len(args.skip) * args.seeds
    arguments = given(args) | {"nets_trained": len(curves), "nets_asked": asked}
    paths = degradation.save(curves, args.out, arguments)
    if args.json:
        sys.stdout.write(results.read_text(paths[-1]))
    else:
        print(degradation.table(curves))
        print(f"\n{statements.degradation_statement(curves)}.\n")
        print(f"{len(curves)} nets in {time.perf_counter() - start:.1f} s. Error on the batches of")
        print("the last epoch as they ran, mean (lowest–highest) over seeds; guessing gives 90 %.")
        print(results.wrote(paths, before))
    if not whole:
        console.say(f"minires: interrupted: {len(curves)} of {asked} nets were trained and written")
    return 0 if whole else console.INTERRUPTED

"""`minires degradation`: train plain and residual twins, and compare their training error."""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path
from typing import Any

from .. import results
from ..experiments.columns import explain
from ..experiments.settings import ACTIVATIONS, DEGRADATION_WIDTH, INITS, NORMS, OPTIMIZERS, grid
from .arguments import (
    add_experiment_options,
    choose_backend,
    given,
    natural,
    positive_float,
    positive_int,
)
from .storing import add_store_option, counted, ended, filled, made, opened

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
    add_store_option(p, "the folder of --out")
    p.add_argument(
        "--norm", choices=NORMS, default="bn", help="ln: layer norm, gn: group norm. Default: bn"
    )
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
    from ..store.objects import curve_of, degradation_jobs

    choose_backend(args)
    recipe = degradation.Recipe(batch_size=args.batch_size, lr=args.lr, **how)
    nets = (args.arch, args.depths, args.skip, [norm], [init], activation)
    settings = grid(*nets, args.width or DEGRADATION_WIDTH[args.arch], args.branch_scale)
    jobs = degradation_jobs(settings, args.seeds, recipe)
    store = opened(args)
    before = results.files_of(Path(args.out))
    start = time.perf_counter()
    done = filled(store, jobs)
    curves = [curve_of(stored) for stored in done.runs]
    paths = degradation.save(curves, args.out, given(args) | made(done, "trained"))
    if args.json:
        sys.stdout.write(results.read_text(paths[-1]))
    else:
        print(degradation.table(curves))
        print(f"\n{statements.degradation_statement(curves)}.\n")
        print(f"{counted(done, store, time.perf_counter() - start)}.")
        print("Error on the batches of the last epoch as they ran, mean (lowest–highest) over")
        print("seeds; guessing gives 90 %.")
        print(results.wrote(paths, before))
    return ended(done, "trained")

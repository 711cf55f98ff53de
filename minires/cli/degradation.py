"""`minires degradation`: train plain and residual twins, and compare their training error."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from minires_kernels import BACKENDS

from .arguments import (
    ARCHS,
    INITS,
    NORMS,
    SKIPS,
    branch_scale,
    choices,
    integers,
    positive_float,
    positive_int,
    progress_bar,
)


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "degradation",
        help="train plain and residual twins and compare training errors by depth",
        description="Train plain and residual nets of several depths alike, on the UCI digits, and "
        "report the training error of the last epoch, measured on the batches as they ran.",
    )
    p.add_argument("--arch", choices=ARCHS, default="mlp", help="default: mlp")
    p.add_argument(
        "--depths",
        type=integers,
        default=[6, 18, 54, 108],
        metavar="N,…",
        help="weight layers; conv nets have 6n+2. Default: 6,18,54,108",
    )
    p.add_argument(
        "--skip",
        type=choices(SKIPS),
        default=["none", "identity"],
        metavar="S,…",
        help=f"of {', '.join(SKIPS)}. Default: none,identity",
    )
    p.add_argument("--norm", choices=NORMS, default="bn", help="default: bn")
    p.add_argument("--init", choices=INITS, default="he", help="default: he")
    p.add_argument(
        "--branch-scale",
        type=branch_scale,
        default=1.0,
        metavar="A",
        help="factor of each residual branch: a number, 1/sqrt(blocks) or skipinit",
    )
    p.add_argument("--width", type=positive_int, help="default: 64 (mlp), 8 (conv)")
    p.add_argument("--seeds", type=positive_int, default=3, metavar="N", help="default: 3")
    p.add_argument("--epochs", type=positive_int, default=20, metavar="N", help="default: 20")
    p.add_argument("--lr", type=positive_float, default=0.01, help="default: 0.01")
    p.add_argument("--weight-decay", type=positive_float, default=1e-4, help="default: 1e-4")
    p.add_argument("--batch-size", type=positive_int, default=128, metavar="N", help="default: 128")
    p.add_argument("--backend", choices=BACKENDS, default="cpu", help="default: cpu")
    p.add_argument("--out", default="out", metavar="DIR", help="folder to write to. Default: out")
    p.add_argument("--json", action="store_true", help="print run.json instead of the table")
    p.set_defaults(run=run)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the experiment and print where the results are."""
    return execute(
        args,
        norm=args.norm,
        init=args.init,
        epochs=args.epochs,
        weight_decay=args.weight_decay,
    )


def execute(
    args: argparse.Namespace, *, norm: str, init: str, epochs: int, weight_decay: float
) -> int:
    """Run it with the arguments that this command and `gradflow --train` share."""
    import minires
    from minires import degradation
    from minires.degradation import report

    minires.use_backend(args.backend)
    recipe = degradation.Recipe(
        epochs=epochs, batch_size=args.batch_size, lr=args.lr, weight_decay=weight_decay
    )
    start = time.perf_counter()
    curves = degradation.run(
        args.arch,
        args.depths,
        args.skip,
        norm,
        init,
        args.seeds,
        width=args.width,
        branch_scale=args.branch_scale,
        recipe=recipe,
        progress=progress_bar,
    )
    arguments = {k: v for k, v in vars(args).items() if k != "run"}
    paths = degradation.save(curves, args.out, arguments)
    if args.json:
        sys.stdout.write(report.to_json(curves, arguments))
        return 0
    print(degradation.table(curves))
    print(
        f"\n{len(curves)} nets in {time.perf_counter() - start:.1f} s. Mean (minimum–maximum) over"
    )
    print("seeds of the last epoch's error, on the batches as they ran; guessing gives 90 %.")
    print("wrote " + " ".join(str(p) for p in paths))
    return 0

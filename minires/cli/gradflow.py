"""`minires gradflow`: measure signal and gradient through depth, and write figures and tables."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from minires_kernels import BACKENDS

from . import degradation
from .arguments import (
    ACTIVATIONS,
    ARCHS,
    DATA,
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
        "gradflow",
        help="measure signal and gradient through depth (the main job)",
        description="Build plain and residual nets, send one batch forward and back, and write "
        "what every layer saw: a table, a figure (PNG and SVG), the numbers (CSV) and run.json.",
    )
    p.add_argument("--arch", choices=ARCHS, default="mlp", help="default: mlp")
    p.add_argument(
        "--depths",
        type=integers,
        default=[8, 20, 56],
        metavar="N,…",
        help="weight layers; residual blocks have two, conv nets 6n+2. Default: 8,20,56",
    )
    p.add_argument(
        "--skip",
        type=choices(SKIPS),
        default=["none", "identity"],
        metavar="S,…",
        help=f"of {', '.join(SKIPS)}. Default: none,identity",
    )
    p.add_argument(
        "--norm",
        type=choices(NORMS),
        default=["none", "bn"],
        metavar="N,…",
        help="of none, bn. Default: none,bn",
    )
    p.add_argument(
        "--init",
        type=choices(INITS),
        default=["he"],
        metavar="I,…",
        help=f"of {', '.join(INITS)}. Default: he",
    )
    p.add_argument("--activation", choices=ACTIVATIONS, default="relu", help="default: relu")
    p.add_argument(
        "--branch-scale",
        type=branch_scale,
        default=1.0,
        metavar="A",
        help="factor of each residual branch: a number, 1/sqrt(blocks) or skipinit",
    )
    p.add_argument("--width", type=positive_int, help="default: 128 (mlp), 8 (conv)")
    p.add_argument(
        "--seeds",
        type=positive_int,
        default=3,
        metavar="N",
        help="number of seeds, 0 to N-1. Default: 3",
    )
    p.add_argument("--data", choices=DATA, default="digits", help="default: digits")
    p.add_argument(
        "--steps",
        type=integers,
        default=[0],
        metavar="N,…",
        help="training steps before which to measure; 0 is initialisation. Default: 0",
    )
    p.add_argument("--lr", type=positive_float, default=0.01, help="for --steps. Default: 0.01")
    p.add_argument("--batch-size", type=positive_int, default=128, metavar="N", help="default: 128")
    p.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    p.add_argument("--backend", choices=BACKENDS, default="cpu", help="default: cpu")
    p.add_argument(
        "--train",
        action="store_true",
        help="train the nets and compare training errors: the command `degradation`",
    )
    p.add_argument("--out", default="out", metavar="DIR", help="folder to write to. Default: out")
    p.add_argument("--json", action="store_true", help="print run.json instead of the table")
    p.set_defaults(run=run)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Run the experiment and print where the results are."""
    import minires

    if args.train:
        return _train(args)
    from minires import gradflow

    minires.use_backend(args.backend)
    start = time.perf_counter()
    runs = gradflow.run(
        args.arch,
        args.depths,
        args.skip,
        args.norm,
        args.init,
        args.activation,
        args.seeds,
        args.data,
        args.steps,
        width=args.width,
        branch_scale=args.branch_scale,
        batch_size=args.batch_size,
        lr=args.lr,
        dtype=args.dtype,
        progress=progress_bar,
    )
    arguments = {k: v for k, v in vars(args).items() if k != "run"}
    paths = gradflow.save(runs, args.out, arguments, args.batch_size)
    if args.json:
        sys.stdout.write(gradflow.to_json(runs, arguments, args.batch_size))
        return 0
    nets = len({(r.setting, r.seed) for r in runs})
    print(gradflow.table(runs, args.batch_size))
    print(
        f"\n{nets} nets in {time.perf_counter() - start:.1f} s. factor: of |dL/dx| per layer going"
    )
    print(
        "backwards, mean ± standard deviation over seeds; below 1 it vanishes, above 1 it explodes."
    )
    print("wrote " + " ".join(str(p) for p in paths))
    return 0


def _train(args: argparse.Namespace) -> int:
    if len(args.norm) > 1 or len(args.init) > 1:
        raise ValueError(
            "--train compares by depth, so it takes one --norm and one --init, e.g. --norm bn"
        )
    if args.activation != "relu" or args.data != "digits" or args.steps != [0]:
        raise ValueError("--train is for relu nets on digits, and takes no --steps")
    if args.dtype != "float32":
        raise ValueError("--train runs in float32, the training dtype")
    return degradation.execute(
        args, norm=args.norm[0], init=args.init[0], epochs=20, weight_decay=1e-4
    )

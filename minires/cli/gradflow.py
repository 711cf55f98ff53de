"""`minires gradflow`: measure signal and gradient through depth, and write figures and tables."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from .. import results
from ..experiments.columns import explain
from ..experiments.panels import QUANTITIES
from ..experiments.settings import ACTIVATIONS, DATA, DTYPES, INITS, NORM_NAMES, NORMS, init_name
from . import degradation, gradflow_model
from .arguments import (
    add_experiment_options,
    choices,
    choose_backend,
    given,
    integers,
    natural,
)
from .storing import add_store_option, counted, ended, filled, made, opened

COLUMNS = (
    "forward_rms", "dx_norm", "dw_norm", "w_norm", "stream", "uses", "dead_relu", "saturated",
    "update_ratio", "skip_norm", "branch_norm", "cosine", "stream_rms", "branch_rms",
)  # fmt: skip

OUT = "out"
LEGEND = """\
dx             ‖∂L/∂x‖, at the input of the net and at its last layer: median over seeds
decades lost   between the two; a decade is a factor of 10
factor         of dx over one layer going backwards: mean ± standard deviation over seeds
theory         the factor predicted for the untrained net"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "gradflow",
        help="measure signal and gradient through depth (the main job)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Build plain and residual nets, send one batch forward and back, and write\n"
        "what every layer saw: a table, a figure (PNG and SVG), the numbers (layers.csv,\n"
        "blocks.csv) and run.json. Without options: 8, 20 and 56 layers with the init\n"
        "of PyTorch, without normalisation and with batch norm.",
        epilog=gradflow_model.HELP
        + '\ncolumns of layers.csv and blocks.csv (all of them: run.json, "columns"):\n'
        + explain(*COLUMNS),
    )
    add_experiment_options(p, [8, 20, 56], "128 (mlp), 8 (conv)", OUT, "for --steps; ")
    gradflow_model.add_options(p)
    add_store_option(p, "the folder of --out")
    p.set_defaults(out=None)  # OUT, or that of `degradation` with --train
    p.add_argument(
        "--norm",
        type=choices(NORMS),
        default=["none", "bn"],
        metavar="N,…",
        help=f"of {', '.join(NORMS)} (ln: layer norm, gn: group norm). Default: none,bn",
    )
    p.add_argument(
        "--init",
        type=choices(INITS),
        metavar="I,…",
        help=f"of {', '.join(INITS)}; several give a figure each. Default: default, which is "
        "PyTorch's U(±1/√fan_in); with --train he",
    )
    p.add_argument("--activation", choices=ACTIVATIONS, default="relu", help="default: relu")
    p.add_argument("--data", choices=DATA, default="digits", help="default: digits")
    p.add_argument(
        "--steps",
        type=integers,
        default=[0],
        metavar="N,…",
        help="training steps before which to measure; 0 is initialisation. Default: 0",
    )
    p.add_argument(
        "--warmup",
        type=natural,
        default=0,
        metavar="N",
        help="steps over which the rate rises linearly to --lr, for --steps. Default: 0, none",
    )
    p.add_argument("--dtype", choices=DTYPES, default="float32", help="default: float32")
    p.add_argument(
        "--show",
        type=choices(list(QUANTITIES)),
        default=["dx"],
        metavar="Q,…",
        help="rows of the figure: dx ‖∂L/∂x‖, x the signal, dw ‖∂L/∂W‖ / ‖W‖. Default: dx",
    )
    p.add_argument(
        "--train",
        action="store_true",
        help="train the nets and compare training errors: the command `degradation`, into "
        f"{degradation.OUT}",
    )
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the experiment and print where the results are."""
    if args.model is not None:
        return gradflow_model.run(args)
    if args.input is not None:
        raise ValueError("--input is for a net of yours: --model FILE.py:NAME")
    args.out = args.out or (degradation.OUT if args.train else OUT)
    if args.init is None:
        args.init = ["he"] if args.train else ["default"]
    if args.train:
        return _train(args)
    from .. import gradflow
    from ..store.objects import gradflow_jobs, gradflow_runs

    choose_backend(args)
    experiment = gradflow.Experiment(
        args.arch,
        args.depths,
        args.skip,
        args.norm,
        args.init,
        args.activation,
        args.seeds,
        args.data,
        args.steps,
        args.width,
        args.branch_scale,
        args.batch_size,
        args.lr,
        args.dtype,
        args.warmup,
    )
    jobs = gradflow_jobs(experiment)
    store = opened(args)
    before = results.files_of(Path(args.out))
    start = time.perf_counter()
    done = filled(store, jobs)
    runs = [run for stored in done.runs for run in gradflow_runs(stored)]
    arguments = given(args) | made(done, "measured")
    paths = gradflow.save(runs, args.out, arguments, quantities=args.show)
    if args.json:
        sys.stdout.write(results.read_text(paths[-1]))
    else:
        print(gradflow.table(runs))
        for line in gradflow.without_theory(runs):
            print(line)
        print(f"\n{_statements(runs, args)}\n")
        print(f"{counted(done, store, time.perf_counter() - start)}.")
        print(LEGEND)
        print(results.wrote(paths, before))
    return ended(done, "measured")


def _statements(runs: list[Any], args: argparse.Namespace) -> str:
    """Return what the figure says, a line for each init and norm."""
    from ..experiments import statements

    lines = [
        f"{init_name(init)}, {NORM_NAMES[norm]}: {statements.gradflow_statement(runs, init, norm)}."
        for init in args.init
        for norm in args.norm
        if any((r.setting.init, r.setting.norm) == (init, norm) for r in runs)
    ]
    if args.init == ["default"] and args.activation == "relu" and "none" in args.norm:
        lines.append(
            "He init keeps plain nets level and makes residual ones explode: "
            "`minires gradflow --init he`.\n"
            "Why it keeps plain nets level: `minires lessons run 2`."
        )
    return "\n".join(lines)


def _train(args: argparse.Namespace) -> int:
    if len(args.norm) > 1 or len(args.init) > 1:
        raise ValueError(
            "--train compares by depth, so it takes one --norm and one --init, e.g. --norm bn"
        )
    if args.data != "digits" or args.steps != [0]:
        raise ValueError("--train is on digits, and takes no --steps")
    if args.dtype != "float32" or args.show != ["dx"]:
        raise ValueError("--train runs in float32, the training dtype, and takes no --show")
    how = {"activation": args.activation, "warmup": args.warmup}
    return degradation.execute(args, norm=args.norm[0], init=args.init[0], **how)

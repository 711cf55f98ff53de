"""The options of `minires train`."""

from __future__ import annotations

import argparse

from .arguments import choices, natural, option, positive_float, positive_int

SHOWN = {  # as train.flowmap.QUANTITIES, which --help shall not import
    "dx": "‖∂L/∂x‖", "dw": "‖∂L/∂W‖ / ‖W‖", "update": "‖ΔW‖ / ‖W‖ of a step", "x": "RMS of x",
}  # fmt: skip


def add_options(p: argparse.ArgumentParser) -> None:
    """Add all of them."""
    _add_what(p)
    _add_recipe(p)
    _add_run(p)
    _add_looking_on(p)


def _add_what(p: argparse.ArgumentParser) -> None:
    p.add_argument("--model", metavar="NAME", help="see `minires models`. Default: resnet20")
    p.add_argument(
        "--option",
        type=option,
        action="append",
        metavar="KEY=VALUE",
        help="of the model, e.g. shortcut=B; may be given several times",
    )
    p.add_argument(
        "--data", metavar="NAME", help="cifar10, cifar100, digits, synthetic or folder:PATH. "
        "Default: cifar10",
    )  # fmt: skip
    p.add_argument("--root", metavar="DIR", help="where the data is; see `minires data list`")
    p.add_argument("--size", type=positive_int, metavar="N", help="side of the images of a folder")
    p.add_argument("--recipe", metavar="NAME", help=f"{_recipes()}. Default: he2015")


def _add_recipe(p: argparse.ArgumentParser) -> None:
    length = p.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=positive_float, metavar="N")
    length.add_argument("--iterations", type=positive_int, metavar="N")
    length.add_argument(
        "--minutes", type=positive_float, metavar="M",
        help="the schedule spans this time; then no two runs have the same bits",
    )  # fmt: skip
    p.add_argument("--lr", type=positive_float, metavar="R")
    p.add_argument("--schedule", metavar="NAME", help="steps, linear, cosine, onecycle, constant")
    p.add_argument("--warmup", type=float, metavar="F", help="fraction of the training")
    p.add_argument(
        "--lookahead", type=positive_int, metavar="N",
        help="every N steps the net goes back to weights that follow it slowly",
    )  # fmt: skip
    p.add_argument(
        "--freeze", metavar="NAME,…",
        help="parameters or modules that are not trained, or no longer after --freeze-after",
    )  # fmt: skip
    p.add_argument("--freeze-after", type=float, metavar="E", help="epochs. Default: 0")
    p.add_argument(
        "--views", type=int, choices=(1, 2, 6),
        help="of each test image, averaged at the end, beside one; see `minires evaluate --help`",
    )  # fmt: skip
    p.add_argument("--batch-size", type=positive_int, metavar="N")
    p.add_argument("--weight-decay", type=float, metavar="A")
    p.add_argument("--clip", type=positive_float, metavar="C", help="largest norm of the gradients")
    p.add_argument(
        "--set",
        type=option,
        action="append",
        metavar="KEY=VALUE",
        help="any other field of the recipe, e.g. label_smoothing=0.1, ema=0.999, nesterov=true, "
        "warmup_from=0.2 (factor of the rate where the warm-up begins), floor=0.07 (where linear "
        "and cosine end), norm_bias_rate=64 (factor of the rate of norms' biases), padding=reflect "
        "(of crops), start=whiten",
    )


def _add_run(p: argparse.ArgumentParser) -> None:
    p.add_argument("--seed", type=natural, metavar="N", help="default: 0")
    p.add_argument("--out", required=True, metavar="DIR", help="folder of the run")
    p.add_argument("--resume", action="store_true", help="go on from the checkpoint in OUT")
    p.add_argument("--force", action="store_true", help="replace a run that is in OUT")
    p.add_argument("--workers", type=natural, default=1, metavar="N", help="of the loader")
    p.add_argument("--eval-every", type=positive_int, metavar="N", help="iterations")
    p.add_argument(
        "--checkpoint-every",
        type=every,
        metavar="N|Mm",
        help="iterations (500), minutes (5m) or seconds (30s). Default: 5m",
    )


def _add_looking_on(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--record", type=positive_int, metavar="N",
        help="record gradient flow every N iterations, into layers.csv and a store of runs",
    )  # fmt: skip
    p.add_argument(
        "--store",
        metavar="DIR",
        help="keep records and curves in DIR/runs, for `minires runs`. Default: OUT, with --record",
    )
    p.add_argument(
        "--watch", nargs="?", const=["page"], default=[], type=choices(["page", "terminal"]),
        metavar="W,…",
        help="page (the default of --watch alone): write OUT/watch.html, which follows; with "
        "--record also as a heat map, layer by layer. terminal: that heat map here",
    )  # fmt: skip
    p.add_argument(
        "--show", choices=list(SHOWN),
        help="what the heat map of --watch terminal shows: "
        + ", ".join(f"{name} {title}" for name, title in SHOWN.items())
        + ". Default: dx",
    )  # fmt: skip
    p.add_argument(
        "--ranks", type=positive_int, metavar="N",
        help="train as N processes, each on its share of every batch (the same as `mpirun -n N "
        "minires train`, which also spans machines); records are of the whole batch, --minutes go "
        "by the clock of the first; needs minires[mpi]. Default: 1",
    )  # fmt: skip
    p.add_argument(
        "--sync-bn",
        action="store_true",
        help="with ranks: batch norm over the whole batch, as one process has it, instead of over "
        "each rank's share",
    )
    p.add_argument("--quiet", action="store_true", help="no progress")
    p.add_argument("--json", action="store_true", help="print run.json at the end")


def _recipes() -> str:
    return "he2015, he2015-110 (with its warm-up), budget, adamw, airbench (for airbench94)"


def every(text: str) -> tuple[int | None, float]:
    """Parse "500" iterations, "5m" or "30s"; return (iterations or None, seconds)."""
    unit = {"m": 60.0, "s": 1.0}.get(text[-1:])
    try:
        return (positive_int(text), 0.0) if unit is None else (None, unit * float(text[:-1]))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"expected iterations (500), minutes (5m) or seconds (30s); got {text!r}"
        ) from None

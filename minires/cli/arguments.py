"""What the commands share: types of arguments, options of experiments, progress, Ctrl-C."""

from __future__ import annotations

import argparse
import ast
import difflib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from minires_kernels import BACKENDS, current_backend, use_backend

from ..experiments.settings import ARCHS, BRANCH_SCALES, SKIPS


class Parser(argparse.ArgumentParser):
    """Takes options by their whole names, and tells which one a wrong name resembles."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False} | options)

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print; where errors cannot be written, the exit code tells."""
        try:
            super()._print_message(message, file)
        except OSError:
            if file is not sys.stderr:
                raise

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, rest = super().parse_known_args(args, namespace)
        for word in (text.partition("=")[0] for text in rest if text.startswith("--")):
            if near := difflib.get_close_matches(word, self._option_string_actions, 1):
                self.error(f"there is no option {word}; did you mean {near[0]}?")
        return found, rest


def integers(text: str) -> list[int]:
    """Parse "8,20,56"."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected integers separated by commas, e.g. 8,20,56; got {text!r}"
        ) from None
    if min(found) < 0:
        raise argparse.ArgumentTypeError(f"expected no negative number, got {text!r}")
    if len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(f"a number is given twice in {text!r}")
    return found


def choices(offered: Sequence[str]) -> Callable[[str], list[str]]:
    """Return a parser of comma-separated names out of `offered`."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        for name in found:
            if name not in offered:
                raise argparse.ArgumentTypeError(
                    f"{name!r} is not among {', '.join(offered)} (several: separate by commas)"
                )
        if len(set(found)) != len(found):
            raise argparse.ArgumentTypeError(f"a name is given twice in {text!r}")
        return found

    return names


def positive_int(text: str) -> int:
    """Parse an integer of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {text!r}")
    return int(text)


def natural(text: str) -> int:
    """Parse an integer of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected an integer of at least 0, got {text!r}")
    return int(text)


def positive_float(text: str) -> float:
    """Parse a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value


def branch_scale(text: str) -> float | str:
    """Parse a number, or the name of a way to start branches."""
    if text in BRANCH_SCALES:
        return text
    try:
        return positive_float(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected a positive number, or one of {', '.join(BRANCH_SCALES)}; got {text!r}"
        ) from None


def shape(text: str) -> tuple[int, ...]:
    """Parse "3x224x224"."""
    try:
        found = tuple(int(side) for side in text.lower().replace("×", "x").split("x"))
    except ValueError:
        found = (0,)
    if min(found) < 1:
        raise argparse.ArgumentTypeError(
            f"expected the shape of one input, without the batch, e.g. 3x224x224; got {text!r}"
        )
    return found


_JSON = {"true": "True", "false": "False", "null": "None"}


def option(text: str) -> tuple[str, Any]:
    """Parse "width=8" to a name and a value: a number, a tuple, True, False, None, or text.

    The last three also as JSON writes them: true, false, null.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, e.g. width=8; got {text!r}")
    value = _JSON.get(value, value)
    try:
        return key, ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return key, value


def add_views(p: argparse.ArgumentParser) -> None:
    """Add --views, as train.VIEWS, and --flip."""
    views = p.add_mutually_exclusive_group()
    views.add_argument(
        "--views",
        type=int,
        choices=(1, 2, 6),
        default=1,
        help="average the logits of so many views of each image: 2, it and its mirror image; 6, "
        "both and each shifted by a pixel in two directions, which count half. Default: 1, as in "
        "the paper",
    )
    views.add_argument(
        "--flip", action="store_const", dest="views", const=2, help="the same as --views 2"
    )


def progress_bar(jobs: list[Any]) -> Any:
    """Show a bar on standard error, if that is a terminal."""
    from tqdm import tqdm

    return tqdm(jobs, desc="nets", unit="net", file=sys.stderr, disable=None, leave=False)


def add_experiment_options(
    p: argparse.ArgumentParser, depths: list[int], widths: str, out: str, lr_for: str = ""
) -> None:
    """Add the options that experiments share."""
    p.add_argument("--arch", choices=ARCHS, default="mlp", help="default: mlp")
    p.add_argument(
        "--depths",
        type=integers,
        default=depths,
        metavar="N,…",
        help="layers: of an mlp the hidden ones, to which a stem and a head come (mlp-8 has 10 "
        "weight layers); of a conv net all, 6n+2. Residual blocks have two. "
        f"Default: {','.join(map(str, depths))}",
    )
    p.add_argument(
        "--skip",
        type=choices(SKIPS),
        default=["none", "identity"],
        metavar="S,…",
        help=f"of {', '.join(SKIPS)}. Default: none,identity",
    )
    p.add_argument(
        "--branch-scale",
        type=branch_scale,
        default=1.0,
        metavar="A",
        help="factor of each residual branch, a number, or how branches start: "
        f"{', '.join(BRANCH_SCALES)}. Default: 1",
    )
    p.add_argument("--width", type=positive_int, metavar="N", help=f"default: {widths}")
    p.add_argument(
        "--seeds",
        type=positive_int,
        default=3,
        metavar="N",
        help="number of seeds, 0 to N-1. Default: 3",
    )
    p.add_argument(
        "--lr", type=positive_float, default=0.01, metavar="R", help=f"{lr_for}default: 0.01"
    )
    p.add_argument("--batch-size", type=positive_int, default=128, metavar="N", help="default: 128")
    p.add_argument("--backend", choices=BACKENDS, help="default: MINIRES_BACKEND, or cpu")
    p.add_argument("--out", metavar="DIR", help=f"folder to write to. Default: {out}", default=out)
    p.add_argument("--json", action="store_true", help="print run.json instead of the table")


def choose_backend(args: argparse.Namespace) -> None:
    """Use the backend of --backend, or of MINIRES_BACKEND; ValueError names a wrong variable."""
    args.backend = args.backend or current_backend()
    use_backend(args.backend)


def given(args: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of a command as run.json holds them."""
    return {k: v for k, v in vars(args).items() if k not in ("run", "default_of")}

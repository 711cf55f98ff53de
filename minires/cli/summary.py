"""`minires summary`: the layers of a net, and what each of them costs."""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

from .arguments import option, positive_int, shape

DTYPES = ("float32", "float64")
PASSES = 5  # that --times takes the medians of
SYMBOLS = "█─…×·"


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "summary",
        help="show the layers of a net: shapes, parameters, multiply-adds, memory, time",
        description="Build a net, run it, and show its layers: shapes, parameters, multiply-adds, "
        "what the engine keeps for backward, and on request the time. Equal blocks are one line.",
    )
    p.add_argument(
        "net",
        metavar="NAME",
        help="a net of `minires models`, or FILE.py:FUNCTION, a function that returns one",
    )
    p.add_argument(
        "--input",
        type=shape,
        action="append",
        metavar="SHAPE",
        help="of one input, e.g. 3x224x224; again for a net of several. Default: the net's own",
    )
    p.add_argument(
        "--batch", type=positive_int, default=1, metavar="N", help="inputs at a time. Default: 1"
    )
    p.add_argument(
        "--depth",
        type=positive_int,
        metavar="K",
        help="levels of modules to show. Default: as many as fit 40 lines",
    )
    p.add_argument(
        "--option",
        type=option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of the net, see `minires models NAME`; may be repeated",
    )
    p.add_argument("--dtype", choices=DTYPES, help="default: the net's own, float32")
    p.add_argument("--weights", type=Path, metavar="FILE", help="load weights, which must fit")
    p.add_argument(
        "--times",
        action="store_true",
        help="time each layer, forward and backward",
    )
    p.add_argument("--svg", type=Path, metavar="FILE", help="draw the blocks and their shortcuts")
    p.add_argument("--json", action="store_true", help="print JSON: a row for each module")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the summary; ValueError and TypeError (exit 2) for what cannot be built or run."""
    import numpy as np

    from .. import summary
    from ..results import to_json, write_text

    options = dict(args.option)
    if len(options) < len(args.option):
        raise ValueError("--option: a key is given twice")
    net, shapes, source = built(args.net, options)
    shapes = args.input or shapes
    if not shapes:
        raise ValueError(
            f"--input: tell the shape of one input of {args.net}, e.g. --input 3x32x32"
        )
    if args.dtype:
        net.to(np.dtype(args.dtype))
    if args.weights is not None:
        from ..weights import load_into

        load_into(net, args.weights)
    found = summary(
        net, *shapes, batch=args.batch, repeats=PASSES if args.times else 0, name=args.net
    )
    found.source = source
    if args.svg is not None:
        from ..summary.diagram import diagram

        write_text(args.svg, diagram(found))
    if args.json:
        print(to_json(found.to_dict()), end="")
    else:
        print(found.text(columns(), args.depth, ascii=not _symbols_print()))
        if args.svg is not None:
            print(f"wrote {args.svg}")
    return 0


def columns() -> int:
    """Return the width of the terminal; 100 for a file or a pipe, whatever the environment says."""
    from ..summary.text import WIDE

    return max(60, shutil.get_terminal_size().columns) if sys.stdout.isatty() else WIDE


def _symbols_print() -> bool:
    try:
        SYMBOLS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def built(name: str, options: dict[str, Any]) -> tuple[Any, list[Any], str]:
    """Return a net by its name or from a file, the shapes of its input, and where it is from."""
    path, colon, function = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), function, options), [], ""
    if name.endswith(".py"):
        raise ValueError(f"which net of {name}? Name the function that makes it: {name}:FUNCTION")
    from ..models.registry import find
    from .models import title

    entry = find(name)
    net = entry.build(**options)
    source = title(entry.family) + (f", {entry.where}" if entry.where else "")
    return net, [entry.input_shape(**options)], source


def _from_file(path: Path, function: str, options: dict[str, Any]) -> Any:
    """Run a Python file and return the net that its function makes."""
    from ..nn import Module

    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"net_of_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} cannot be run as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it
    sys.path.insert(0, str(path.resolve().parent))  # as for a script: for files beside it
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} does not run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    make = getattr(module, function, None)
    if not callable(make):
        offered = [key for key, v in vars(module).items() if callable(v) and key[:1] != "_"]
        near = difflib.get_close_matches(function, offered, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; it has {', '.join(offered) or 'none'}"
        raise ValueError(f"{path} has no function {function!r}{hint}")
    net = make(**options)
    if not isinstance(net, Module):
        raise TypeError(f"{path}: {function} returned {type(net).__name__}, not a Module")
    return net

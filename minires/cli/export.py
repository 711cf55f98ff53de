"""`minires export`: a net as an ONNX file, for other runtimes and for pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import option, positive_int, shape

if TYPE_CHECKING:
    from ..nn import Module

OPSET = 17


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "export",
        help="write a net as an ONNX file, checked with onnxruntime",
        description="Write a net, as it evaluates images, to an ONNX file: weights under their "
        "names, nodes under those of their modules. onnx checks the file, and onnxruntime's output "
        'is compared with ours. Needs: python -m pip install "minires[onnx]"',
    )
    p.add_argument(
        "net",
        metavar="NET",
        help="a net of `minires models`; FILE.py:FUNCTION, which returns one; a run's folder; or a "
        "file of weights that tells its net",
    )
    p.add_argument("out", type=Path, metavar="OUT", help="the file to write, e.g. net.onnx")
    p.add_argument("--weights", type=Path, metavar="FILE", help="load weights, which must fit")
    p.add_argument(
        "--input",
        type=shape,
        metavar="SHAPE",
        help="of one input, e.g. 3x224x224. Default: the net's own",
    )
    p.add_argument(
        "--option",
        type=option,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of the net, see `minires models NAME`; may be repeated",
    )
    p.add_argument(
        "--batch",
        type=batch,
        default="dynamic",
        metavar="N",
        help="inputs at a time, or dynamic for any number. Default: dynamic",
    )
    p.add_argument(
        "--opset",
        type=positive_int,
        default=OPSET,
        metavar="N",
        help=f"version of ONNX's operators, at least 13. Default: {OPSET}",
    )
    p.add_argument("--json", action="store_true", help="print JSON")
    p.set_defaults(run=run)


def batch(text: str) -> int | str:
    """Parse a number of inputs, or "dynamic"."""
    return text if text == "dynamic" else positive_int(text)


def run(args: argparse.Namespace) -> int:
    """Export and print what was written; return 0."""
    from .. import onnx, results

    options = dict(args.option)
    if len(options) < len(args.option):
        raise ValueError("--option: a key is given twice")
    net, own_shape, metadata = net_of(args.net, options)
    where = str(metadata.pop("weights", ""))
    if args.weights is not None:
        from ..weights import load_into

        load_into(net, args.weights)
        where = str(args.weights)
    input_shape = args.input or own_shape
    if not input_shape:
        raise ValueError(
            f"--input: tell the shape of one input of {args.net}, e.g. --input 3x32x32"
        )
    saved = onnx.save(
        net, args.out, input_shape, opset=args.opset, batch=args.batch, metadata=metadata
    )
    if args.json:
        document = {
            "path": str(saved.path),
            "nodes": saved.nodes,
            "parameters": saved.parameters,
            "opset": saved.opset,
            "difference": saved.difference,
            "weights": where or None,
        }
        print(results.to_json(document), end="")
        return 0
    print(f"weights: {where or 'as the net starts, none were given'}")
    print(
        f"wrote {saved.path}: {saved.nodes} nodes, {saved.parameters:,} parameters, "
        f"opset {saved.opset}"
    )
    if saved.difference is None:
        print("onnxruntime is not installed: its output was not compared")
    else:
        print(f"onnxruntime's output: max |a - b| / max |b| = {saved.difference:.1e} from ours")
    return 0


def net_of(name: str, options: dict[str, Any]) -> tuple[Module, tuple[int, ...], dict[str, str]]:
    """Return a net, the shape of its input (or nothing), and what is known of it, as text."""
    path = Path(name)
    if not name.endswith(".py") and path.exists():
        if options:
            raise ValueError(f"--option: {name} tells the net and its options; leave them out")
        return _trained(path)
    from .summary import built

    net, shapes, _ = built(name, options)
    told = {"model": name} | ({"options": repr(options)} if options else {})
    return net, tuple(shapes[0]) if shapes else (), told


def _trained(path: Path) -> tuple[Module, tuple[int, ...], dict[str, str]]:
    """Return the net of a run, or of a file of weights whose names and shapes tell it."""
    from .. import models, weights
    from ..train.trained import KIND, load_trained
    from ..weights.describe import kind_of

    if path.is_dir() or weights.metadata(path).get("kind") == KIND:
        trained = load_trained(path)
        height, width, channels = trained.shape
        return trained.net, (channels, height, width), trained.metadata | {"weights": str(path)}
    state = weights.load(path)
    kind = kind_of(state)
    if kind is None or kind.name not in models.names():
        found = f"look like those of {kind}" if kind else "are of no net that is known here"
        raise ValueError(
            f"{path}: these weights {found}; name the net: minires export NET OUT --weights {path}"
        )
    options: dict[str, Any] = {}
    if kind.classes.endswith(" classes"):
        options["num_classes"] = int(kind.classes.removesuffix(" classes"))
    net = models.build(kind.name, **options)
    weights.load_into(net, state)
    shape = models.registry.find(kind.name).input_shape(**options)
    return net, tuple(shape), {"model": kind.name, "weights": str(path)}

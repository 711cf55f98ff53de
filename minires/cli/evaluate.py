"""`minires evaluate`: error, loss and confusion of a trained net."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import results
from .arguments import add_views, positive_int

if TYPE_CHECKING:
    from ..train import Evaluation

MOST = 12  # classes of a confusion matrix that a terminal shows


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "evaluate",
        help="error, loss and confusion matrix of a trained net",
        description="Evaluate a net that `minires train` has saved, in evaluation mode.",
    )
    p.add_argument("model", metavar="OUT|FILE", help="a run's folder, or its model.safetensors")
    p.add_argument("--data", metavar="NAME", help="default: what it was trained on")
    p.add_argument("--root", metavar="DIR", help="where the data is; see `minires data list`")
    p.add_argument(
        "--size",
        type=positive_int,
        metavar="N",
        help="side of the images of a folder. Default: as it was trained",
    )
    p.add_argument("--split", choices=("train", "test"), default="test", help="default: test")
    add_views(p)
    p.add_argument("--json", action="store_true", help="print JSON")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print; return 0."""
    from .. import data, train

    trained = train.load_trained(Path(args.model))
    source = _source(trained.metadata)
    name = args.data or source.get("data") or trained.metadata.get("data", "")
    size = args.size if args.data or args.size else source.get("size")
    images = data.load(name, args.split, args.root, size=size)
    if images.x.shape[1:] != trained.shape:
        raise ValueError(
            f"{args.model} takes images of {trained.shape}, {images.name} has {images.x.shape[1:]}"
        )
    if images.classes != trained.classes:
        raise ValueError(
            f"{args.model} knows the classes {', '.join(trained.classes[:6])} …, {images.name} "
            f"has {', '.join(images.classes[:6])} …"
        )
    found = train.evaluate(trained.net, images, trained.normalise, views=args.views)
    if args.json:
        document = {
            "model": trained.metadata["model"],
            "data": images.name,
            "split": args.split,
            "data_note": images.note,
            "images": found.images,
            "views": found.views,
            "error": found.error,
            "loss": found.loss,
            "class_errors": dict(zip(images.classes, found.class_errors(), strict=False)),
            "confusion": found.confusion,
        }
        sys.stdout.write(results.to_json(document))
        return 0
    note = f" ({images.note})" if images.note else ""
    print(f"{trained.metadata['model']} on {images.name}, {args.split}{note}")
    how = f", logits averaged over {train.VIEWS[found.views]}" if found.views > 1 else ""
    print(f"error {100 * found.error:.2f} % of {found.images} images, loss {found.loss:.4f}{how}\n")
    print(_classes(found, images.classes))
    return 0


def _source(metadata: dict[str, str]) -> dict[str, Any]:
    """Return by what name and size `data.load` gave the images that a net was trained on."""
    try:
        found = json.loads(metadata.get("source", "{}"))
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


def _classes(found: Evaluation, classes: tuple[str, ...]) -> str:
    """Return a line per class: its error, and how often it was taken for which other."""
    rows = []
    few = len(classes) <= MOST
    for i, (name, error) in enumerate(zip(classes, found.class_errors(), strict=False)):
        row: dict[str, Any] = {
            "true class": name,
            "error, %": "-" if error is None else f"{100 * error:.1f}",
        }
        if few:
            row |= {f"→{j}": int(found.confusion[i, j]) for j in range(len(classes))}
        else:
            others = found.confusion[i].copy()
            others[i] = 0
            row["most often taken for"] = classes[others.argmax()] if others.any() else "-"
        rows.append({"": i, **row})
    text = results.table(rows)
    return text + ("\n(→j: images of the row's class that were taken for class j)" if few else "")

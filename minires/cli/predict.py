"""`minires predict`: what a trained net sees in image files."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import console, results
from .arguments import add_views, positive_int

if TYPE_CHECKING:
    from ..tensor import Array
    from ..train import Trained

PICTURE = 32  # columns


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "predict",
        help="say what a trained net sees in image files",
        description="Classify image files. An image is cropped to its central part of the ratio "
        "that the net was trained on and scaled to that size.",
    )
    p.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="PNG or JPEG")
    p.add_argument(
        "--weights",
        default="resnet20:cifar10",
        metavar="OUT|FILE|NAME:DATA",
        help="a run's folder, its model.safetensors, or shipped weights. Default: resnet20:cifar10",
    )
    p.add_argument("--top", type=positive_int, default=3, metavar="N", help="labels. Default: 3")
    add_views(p)
    p.add_argument("--no-picture", action="store_true", help="no small picture on a terminal")
    p.add_argument("--json", action="store_true", help="print JSON")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a prediction per image; return 0, or 1 if one of them could not be read."""
    trained = _trained(args.weights)
    found: list[dict[str, Any]] = []
    lost = 0
    if not args.json:
        h, w, _ = trained.shape
        ratio = "a square" if h == w else f"{w}:{h}"
        print(f"{trained.metadata['model']}; images cropped to {ratio} and scaled to {w} × {h}")
    for path in args.images:
        try:
            x = read_image(path, trained.shape)
        except (OSError, ValueError) as error:
            lost += 1
            found.append({"file": str(path), "error": str(error)})
            console.say(f"minires: {error}")
            continue
        p = trained.probabilities(x[None], args.views)[0]
        best = np.argsort(-p, kind="stable")[: args.top]
        labels = [{"label": trained.classes[i], "probability": float(p[i])} for i in best]
        found.append({"file": str(path), "labels": labels})
        if not args.json:
            _show(path, x, labels, picture=not args.no_picture)
    if args.json:
        sys.stdout.write(results.to_json(found))
    return 1 if lost else 0


def _trained(name: str) -> Trained:
    from .. import train

    model, colon, data = name.partition(":")
    if colon and not Path(name).exists():
        return train.shipped(model, data)
    return train.load_trained(Path(name))


def read_image(path: Path, shape: tuple[int, int, int]) -> Array:
    """Return an image file as uint8 (H, W, C): its centre of this ratio, scaled to this size.

    It is read as `data.load` reads the images of a folder. Raises OSError for a file that cannot be
    read, ValueError for one that is no image.
    """
    from ..data import folder

    h, w, channels = shape
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name image files")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    x = folder.read_image(path, (h, w))
    if channels == 1:
        from PIL import Image

        x = np.asarray(Image.fromarray(x).convert("L"), np.uint8)[:, :, None]
    return x


def _show(path: Path, x: Array, labels: list[dict[str, Any]], picture: bool) -> None:
    text = ", ".join(f"{_plain(la['label'])} {100 * la['probability']:.1f} %" for la in labels)
    print(f"{path}: {text}")
    if picture and _draws_pictures():
        print(blocks(x))


def _plain(label: str) -> str:
    """Return a label without what a terminal would act upon: it is of a file."""
    return "".join(c if c.isprintable() else "?" for c in label)


def _draws_pictures() -> bool:
    """Return whether standard output is a terminal that shows colours and half blocks."""
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return False
    if "NO_COLOR" in os.environ or shutil.get_terminal_size().columns < PICTURE:
        return False
    try:
        "▀".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def blocks(x: Array) -> str:
    """Return an image (H, W, C) as lines of half blocks, two rows of pixels in each."""
    step = max(1, -(-x.shape[1] // PICTURE))
    rgb = np.broadcast_to(x, (*x.shape[:2], 3))[::step, ::step]
    if len(rgb) % 2:
        rgb = np.concatenate([rgb, rgb[-1:]])
    lines = []
    for above, below in zip(rgb[::2], rgb[1::2], strict=True):
        cells = [
            f"\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m▀"
            for a, b in zip(above, below, strict=True)
        ]
        lines.append("".join(cells) + "\x1b[0m")
    return "\n".join(lines)

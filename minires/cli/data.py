"""`minires data`: which images are on this machine, their download, and their checksums."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "data",
        help="list, download and verify data sets",
        description="CIFAR-10 and CIFAR-100 are looked for in MINIRES_DATA, in ./data (where "
        "torchvision's examples put them) and in the cache. Digits and synthetic images come with "
        "minires.",
    )
    commands = p.add_subparsers(title="commands", metavar="COMMAND", required=True)
    p = commands.add_parser("list", help="show the data sets and where they are")
    p.add_argument("--root", metavar="DIR", help="look in this folder only")
    p.set_defaults(run=show)
    p = commands.add_parser(
        "get",
        help="download CIFAR-10 or CIFAR-100",
        description="Download the official archive (170 MB) from one of several mirrors, check it "
        "(SHA-256), and unpack its files (184 MB). Nothing is kept of a download that fails.",
    )
    p.add_argument("name", type=_official, metavar="NAME", help=" or ".join(_names()))
    p.add_argument("--root", metavar="DIR", help="folder. Default: MINIRES_DATA, or the cache")
    p.add_argument(
        "--url",
        action="append",
        default=[],
        metavar="URL",
        help="address of an official archive, instead of the known mirrors; may be repeated",
    )
    p.set_defaults(run=get)
    p = commands.add_parser(
        "verify",
        help="compare the files with the official checksums",
        description="Read every file of every copy. Exits 1 if a file is missing, broken, or not "
        "the official one.",
    )
    p.add_argument("name", nargs="?", type=_official, metavar="NAME", help="default: both")
    p.add_argument("--root", metavar="DIR", help="look in this folder only")
    p.set_defaults(run=verify)


def _names() -> list[str]:
    from ..data.cifar_layouts import SETS

    return list(SETS)


def _official(name: str) -> str:
    if name in ("digits", "synthetic"):
        raise argparse.ArgumentTypeError(f"{name} come with minires: nothing to get, or to verify")
    if name not in _names():
        raise argparse.ArgumentTypeError(f"expected {' or '.join(_names())}, got {name!r}")
    return name


def show(args: argparse.Namespace) -> int:
    """Print a table of the data sets."""
    from ..data.cifar import copies
    from ..data.cifar_layouts import SETS
    from ..data.digits import TRAIN
    from ..data.load import SYNTHETIC
    from ..results import table

    rows: list[tuple[Any, ...]] = []
    for name, cifar in SETS.items():
        found = [str(copy.path) for copy in copies(cifar, args.root)]
        where = found[0] if found else f"not here; minires data get {name}"
        numbers = (len(cifar.classes), cifar.images["train"], cifar.images["test"])
        rows.append((name, "32 × 32 × 3", *numbers, where))
    rows.append(("digits", "8 × 8 × 1", 10, TRAIN, 1797 - TRAIN, "comes with minires"))
    rows.append(("synthetic", "32 × 32 × 3", 10, *SYNTHETIC, "made when asked for"))
    rows.append(("folder:PATH", "any", None, None, None, "PATH/CLASS/*.png or *.jpg"))
    header = ("name", "images", "classes", "train", "test", "where")
    print(table([dict(zip(header, row, strict=True)) for row in rows]))
    return 0


def get(args: argparse.Namespace) -> int:
    """Download a data set."""
    from ..data import download
    from ..data.cifar_layouts import SETS

    print(f"{download.get(SETS[args.name], args.root, args.url)}: whole, and official")
    return 0


def verify(args: argparse.Namespace) -> int:
    """Print the state of each file of each copy."""
    from ..data.cifar import OFFICIAL, copies, examine, find
    from ..data.cifar_layouts import SETS
    from ..results import table

    found = []
    for name in [args.name] if args.name else SETS:
        found += [(SETS[name], copy) for copy in copies(SETS[name], args.root)]
    if not found:
        find(SETS[args.name or "cifar10"], args.root)  # says where it looked, and what to do
    good = True
    for cifar, copy in found:
        rows = examine(cifar, copy)
        good &= all(row["state"] == OFFICIAL for row in rows)
        print(f"{cifar.title}: {copy.path}\n{table(rows)}")
    return 0 if good else 1

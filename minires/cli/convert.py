"""`minires convert`: a file of weights into another format, other names, another precision."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minires.weights.formats import Content

DTYPES = ("float64", "float32", "float16", "bfloat16")
NAMES = ("minires", "torchvision", "huggingface", "kuangliu", "akamaster", "torchvision-2017")


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "convert",
        help="convert a file of weights: format, names, precision",
        description="Read a .safetensors, .npz, .pth or .pt file (told by its content; without "
        "PyTorch, and nothing in it is run) and write a .safetensors or .npz file, with the same "
        "metadata.",
    )
    p.add_argument("source", type=Path, metavar="IN", help="the file to read")
    p.add_argument("target", type=Path, metavar="OUT", help="the file to write")
    p.add_argument(
        "--names",
        choices=NAMES,
        help="whose names the arrays get; minires's are torchvision's. Default: as they are",
    )
    p.add_argument("--dtype", choices=DTYPES, help="of floating arrays. Default: as they are")
    p.add_argument("--part", metavar="NAME", help="of a checkpoint, e.g. model_ema")
    p.add_argument("--model", metavar="NAME", help="check that the weights fit this net")
    p.add_argument("--card", action="store_true", help="write the metadata to OUT.md, too")
    p.add_argument("--force", action="store_true", help="overwrite what is there")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Convert, and print what was done."""
    from minires import results
    from minires.weights import formats, rename, shipped

    card = args.target.with_suffix(".md")
    _check_target(args.source, [args.target, card] if args.card else [args.target], args.force)
    content = formats.read(args.source, args.part)
    lines = [f"read {args.source}: {_summary(content)}"]
    if content.part:
        lines.append(f"part: {content.part}")
    if left := [n for n in content.beside if n not in content.metadata]:
        lines.append(f"left out: {', '.join(n[:60] for n in left[:20])}")
    state: Mapping[str, Any] = content.arrays
    whose = rename.names_of(state)
    if args.names is not None:
        state = rename.to_ours(state)
        if args.names != "minires":
            state = rename.from_ours(state, args.names)
        changed = len(set(state) - set(content.arrays))
        lines.append(f"names: {whose} → {args.names} ({changed} of {len(state)} changed)")
    else:
        lines.append(f"names: as they are ({whose})")
    if args.model is not None:
        lines.append(_fit(args.model, args.source, content))
    formats.write(args.target, state, content.metadata, args.dtype)
    lines.append(f"wrote {args.target}: {_summary(formats.read(args.target))}")
    if args.card:
        results.write_text(card, shipped.card(content.metadata, args.target.stem))
        lines.append(f"wrote {card}")
    print("\n".join(lines))
    return 0


def _check_target(source: Path, targets: list[Path], force: bool) -> None:
    for target in targets:
        if target.exists() and source.exists() and target.samefile(source):
            raise ValueError(f"{target} is the file to read; name another one to write")
        if target.exists() and not force and not target.is_dir():
            raise ValueError(f"{target} is there already; --force overwrites it")


def _fit(model: str, source: Path, content: Content) -> str:
    """Raise ValueError unless the weights fit a net; say that they do."""
    from minires import models, weights
    from minires.train.trained import KIND, load_trained, sparing

    stated = content.metadata if content.metadata.get("model") == model else {}
    if stated.get("kind") == KIND:
        net = load_trained(source).net  # with its options, channels and classes
    else:
        options = dict(json.loads(stated.get("options", "{}")))
        with sparing(content.arrays) if options else contextlib.nullcontext():
            net = models.build(model, **options)
        weights.load_into(net, content.arrays)
    return f"fits {model}: {sum(p.size for p in net.parameters()):,} parameters"


def _summary(content: Content) -> str:
    arrays = content.arrays.values()
    kinds = Counter(a.dtype.name for a in arrays)
    shown = ", ".join(f"{n} of {kind}" for kind, n in kinds.most_common())
    noted = f", metadata: {', '.join(content.metadata)}" if content.metadata else ""
    return (
        f"{content.format}, {len(arrays)} arrays ({shown or 'none'}), "
        f"{sum(a.size for a in arrays):,} numbers{noted}"
    )

"""`minires models`: the nets that have a name, and the options of each."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any


def add_parser(subparsers: Any) -> None:
    """Add the command to the parser of `minires`."""
    p = subparsers.add_parser(
        "models",
        help="list the nets: layers, parameters, multiply-adds, paper",
        description="List the nets that can be built by name, or tell the options of one.",
    )
    p.add_argument("name", nargs="?", metavar="NAME", help="e.g. resnet20; default: all nets")
    p.add_argument("--json", action="store_true", help="print JSON")
    p.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the list, or one net; ValueError (exit 2) for an unknown name."""
    from ..models.catalogue import ENTRIES
    from ..models.registry import find
    from ..results import to_json

    chosen = ENTRIES if args.name is None else (find(args.name),)
    if args.json:
        found = [_document(entry) for entry in chosen]
        print(to_json(found if args.name is None else found[0]), end="")
    else:
        print(_list(chosen) if args.name is None else _details(chosen[0]))
    return 0


def _document(entry: Any) -> dict[str, Any]:
    from ..models.catalogue import MEANINGS

    family = entry.family
    meanings = {**MEANINGS, **family.means}
    return {
        "name": entry.name,
        "family": family.title,
        "layers": entry.layers,
        "parameters": entry.parameters,
        "macs": entry.macs,
        "input": entry.input_shape(),
        "classes": family.classes or None,
        "paper": family.paper or None,
        "arxiv": family.arxiv or None,
        "where": entry.where or None,
        "error": entry.result or None,
        "options": {
            key: {"default": value, "meaning": meanings.get(key, "")}
            for key, value in entry.options.items()
        },
    }


def _list(entries: Any) -> str:
    """Return a table whose families stand one below the other, in columns of one width."""
    from ..results import table
    from ..summary.layers import shape_text
    from ..summary.text import scaled

    rows = [
        {
            "name": f"  {entry.name}",
            "layers": entry.layers,
            "parameters": f"{entry.parameters:,}",
            "MACs": scaled(entry.macs),
            "input": shape_text(entry.input_shape()),
            "in the paper": ": ".join(filter(None, (entry.where, entry.result))),
        }
        for entry in entries
    ]
    head, *lines = table(rows).split("\n")
    found, family = [head], None
    for entry, line in zip(entries, lines, strict=True):
        if entry.family is not family:
            family = entry.family
            found += ["", title(family)]
        found.append(line)
    return "\n".join(
        [
            *found,
            "",
            "MACs: multiply-adds for one input. The papers' errors: of CIFAR-10's test images; of",
            "ImageNet's validation images, top-1 of 10 crops.",
            "minires models NAME tells the options of a net, minires summary NAME its layers.",
        ]
    )


def title(family: Any) -> str:
    """Return what stands above the nets of a family: its title and its paper."""
    paper = f" ({family.paper}, arXiv {family.arxiv})" if family.arxiv else ""
    return f"{family.title}{paper}"


def _details(entry: Any) -> str:
    from ..models.catalogue import MEANINGS
    from ..summary.layers import shape_text

    family = entry.family
    meanings = {**MEANINGS, **family.means}
    facts = {
        "family": title(family),
        "in the paper": ": ".join(filter(None, (entry.where, entry.result))),
        "input": shape_text(entry.input_shape()),
        "classes": family.classes or "",
        "layers": entry.layers,
        "parameters": f"{entry.parameters:,}",
        "MACs": f"{entry.macs:,} multiply-adds for one input",
    }
    lines = [entry.name, *(f"  {key:<14}{value}" for key, value in facts.items() if value != "")]
    example = "num_classes=5" if "num_classes" in entry.options else "seed=0"
    lines += ["", f'options, e.g. models.build("{entry.name}", {example})']
    shown = {key: f"{key}={value!r}" for key, value in entry.options.items()}
    width = max(map(len, shown.values())) + 4
    for key, text in shown.items():
        first = f"  {text:<{width - 2}}"
        lines += textwrap.wrap(
            meanings.get(key, ""),
            98,
            initial_indent=first,
            subsequent_indent=" " * width,
            break_on_hyphens=False,
        )
    return "\n".join(lines)

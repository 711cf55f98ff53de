"""The page of reproductions: what the papers report, what ours found, and with which command.

    minires reproduce lesion                             # into out/reproduce/lesion
    python -m benchmarks.reproductions out/reproduce     # takes all of it, and writes the page
    python -m benchmarks.reproductions                   # writes the page alone

The page is made of the run.json files below benchmarks/results/reproductions, and of nothing else.
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from typing import Any

from minires import results

HERE = Path(__file__).parent
KEPT = HERE / "results" / "reproductions"
PAGE = HERE / "REPRODUCTIONS.md"
ENDINGS = (".png", ".csv")  # of the files that are taken, beside run.json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="results of `minires reproduce` to take")
    folder = parser.parse_args().folder
    if folder:
        taken = [take(path.parent) for path in sorted(Path(folder).glob("*/run.json"))]
        print("took", " ".join(taken) or f"nothing: no */run.json in {folder}")
    results.write_text(PAGE, page())
    print("wrote", PAGE)


def take(source: Path) -> str:
    """Copy the results of one reproduction, without vector graphics; return its folder's name.

    The folder is called like the reproduction, or like it and more: lesion, lesion-cifar10.
    """
    document, name = json.loads(results.read_text(source / "run.json")), source.name
    if not name.startswith(_experiment(document)):
        raise ValueError(f"{source}: expected a name that begins with {_experiment(document)}")
    kept = [file for file in document["files"] if file.endswith(ENDINGS)]
    document["files"] = [*kept, "run.json"]
    files = {KEPT / name / file: _small(source / file) for file in kept}
    files[KEPT / name / "run.json"] = results.to_json(document).encode()
    results.write_all(files)
    return name


def _small(path: Path) -> bytes:
    """Return a file's bytes; of a picture those of one with 64 colours, which is a third."""
    if path.suffix != ".png":
        return path.read_bytes()
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(path) as image:
        image.convert("RGB").quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def documents() -> dict[str, dict[str, Any]]:
    """Return run.json of every reproduction that is kept, by name, in the order of the list."""
    from minires.experiments import reproductions

    order = reproductions.names()
    found = [
        (json.loads(results.read_text(path)), path.parent.name)
        for path in sorted(KEPT.glob("*/run.json"))
    ]
    found.sort(key=lambda pair: (order.index(_experiment(pair[0])), pair[1]))
    return {name: document for document, name in found}


def _experiment(document: dict[str, Any]) -> str:
    return str(document["experiment"]).removeprefix("reproduce ")


def page() -> str:
    """Return the text of the page."""
    kept = documents()
    lines = [
        "# Reproductions",
        "",
        "What papers report, what `minires reproduce` finds, and a verdict that is computed from "
        "the results. This page is made of the run.json files in results/reproductions by `python "
        "-m benchmarks.reproductions`. Ours: mean (lowest–highest) over the seeds. Minutes are of "
        "processor time, on one core. The short forms are small nets on small data: they can show "
        "an order, not the paper's numbers; `--full` takes the paper's settings.",
        "",
        *_table(
            ["", "question", "verdict", "minutes"],
            [
                [f"[{name}](#{name})", d["title"], d["verdict"], _minutes(d)]
                for name, d in kept.items()
            ],
        ),
    ]
    for name, d in kept.items():
        lines += ["", *_section(name, d)]
    return "\n".join(lines) + "\n"


def _section(name: str, d: dict[str, Any]) -> list[str]:
    arms = [[a["arm"], a["paper_text"], _ours(a)] for a in d["arms"]]
    seeds = len(d["seeds"])
    note = f" {d['data_note']}" if d["data_note"] else ""
    return [
        f"## {name}",
        "",
        f"**{d['title']}** {d['verdict_text']}",
        "",
        f"![{d['title']}](results/reproductions/{name}/{_experiment(d)}.png)",
        "",
        *_table(["", f"paper: {d['theirs']}", f"ours: {d['ours']}"], arms),
        "",
        f"Paper: {d['paper']}. Ours: `{d['command']}`, {d['form']} form, data {d['data']}, {seeds} "
        f"seed{'s' * (seeds != 1)}, {_minutes(d)} min.{note}",
    ]


def _ours(arm: dict[str, Any]) -> str:
    values = arm["values"]
    text = "-"
    if values:
        text = results.number(arm["mean"])
        if len(values) > 1:
            text += f" ({results.number(min(values))}–{results.number(max(values))})"
    if arm["diverged"]:
        text = f"{text}, {arm['diverged']} diverged".removeprefix("-, ")
    return text


def _minutes(d: dict[str, Any]) -> str:
    return f"{d['minutes']:.1f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [_line(head), _line(["---"] * len(head)), *map(_line, rows)]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    main()

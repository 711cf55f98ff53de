"""Keep what a lesson needs of a training: its errors, epoch by epoch, and where they come from.

    python -m benchmarks.stored benchmarks/results/train/resnet20-budget

writes `lessons/stored/resnet20-budget/` with epochs.csv and run.json, from the metrics.csv and
run.json that `minires train` has written. A run that was never interrupted and goes on has no
run.json yet: name its recipe and its command.

    python -m benchmarks.stored out/r20 --recipe he2015 --command "minires train …"
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

from minires.lessons import files
from minires.results import read_text, to_csv, to_json, write_text
from minires.train.recipe import recipe_named

COLUMNS = ("epoch", "iteration", "lr", "train_error", "test_error")
KEPT = ("status", "recipe", "seed", "data_note", "iteration", "iterations", "test_error", "seconds")


def epochs(metrics: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return a row for each epoch: its running error, and the test error where one was measured."""
    tested = {
        row["iteration"]: round(float(row["test_error"]), 4)
        for row in metrics
        if row["kind"] == "test"
    }
    return [
        {
            "epoch": round(float(row["epoch"]), 4),
            "iteration": int(row["iteration"]),
            "lr": round(float(row["lr"]), 6),
            "train_error": round(float(row["train_error"]), 4),
            "test_error": tested.get(row["iteration"]),
        }
        for row in metrics
        if row["kind"] == "epoch"
    ]


def document(folder: Path, rows: list[dict[str, Any]], recipe: str, command: str) -> dict[str, Any]:
    """Return what the stored run.json says."""
    last = rows[-1]
    if (folder / "run.json").exists():
        run = json.loads(read_text(folder / "run.json"))
        told = {"command": run["origin"]["command"]} | {k: run[k] for k in KEPT if k in run}
        if run["status"] != "finished":  # it may have gone on since
            told |= {"status": "unfinished", "iteration": last["iteration"]}
    else:
        if not recipe or not command:
            raise SystemExit(f"{folder} has no run.json: give --recipe and --command")
        known = recipe_named(recipe)
        told = {
            "command": command,
            "status": "unfinished",
            "recipe": known.document(),
            "iteration": last["iteration"],
            "iterations": known.length(round(last["iteration"] / last["epoch"])),
        }
    made = f"python -m benchmarks.stored {folder.as_posix()}"
    return {"experiment": "train", "files": ["epochs.csv"], "made_by": made} | told


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored", description=__doc__)
    parser.add_argument("folder", type=Path, help="of a run of minires train")
    parser.add_argument("--name", default="", help="of the stored run; default: the folder's")
    parser.add_argument("--recipe", default="", help="of a run that has not finished")
    parser.add_argument("--command", default="", help="of a run that has not finished")
    given = parser.parse_args(arguments)
    metrics = list(csv.DictReader(read_text(given.folder / "metrics.csv").splitlines()))
    rows = epochs(metrics)
    if not rows:
        raise SystemExit(f"{given.folder}: not one epoch is over")
    told = document(given.folder, rows, given.recipe, given.command)
    home = files.folder() / "stored" / (given.name or given.folder.name)
    home.mkdir(parents=True, exist_ok=True)
    write_text(home / "epochs.csv", to_csv(rows, COLUMNS))
    write_text(home / "run.json", to_json(told))
    print(f"wrote {home}: {len(rows)} epochs")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Loading what `gradflow.save` and `degradation.save` wrote, or what is in a store."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from .. import results
from ..experiments.degradation import Curve, Recipe
from ..experiments.gradflow import Run, run_of
from ..experiments.rows import BlockRecord, LayerRecord
from ..experiments.settings import INITS, NORMS, SKIPS, Experiment, Setting
from .filters import fits
from .objects import curve_of, gradflow_runs, newest
from .store import RUNS, Store
from .stored import Stored

T = TypeVar("T")


def load_gradflow(path: results.StrPath, where: Mapping[str, Any]) -> list[Run]:
    """Return the runs of a store, else of a run.json, that fit; see `gradflow.load`."""
    runs = _from_store(path, {"task": ["gradflow", "train"]} | dict(where), gradflow_runs)
    if runs is None:
        return _saved_gradflow(_run_json(path, "gradflow"), where)
    return sorted(runs, key=_reading_order)


def load_degradation(path: results.StrPath, where: Mapping[str, Any]) -> list[Curve]:
    """Return the curves of a store, else of a run.json, that fit; see `degradation.load`."""
    where = {"task": "degradation"} | dict(where)
    curves = _from_store(path, where, lambda run: [curve_of(run)])
    if curves is None:
        return _saved_degradation(_run_json(path, "degradation"), where)
    return sorted(curves, key=_reading_order)


def _reading_order(run: Run | Curve) -> Any:
    """Order as the commands do, unless they are told otherwise."""
    s = run.setting
    names = ((INITS, s.init), (NORMS, s.norm), (SKIPS, s.skip))
    init, norm, skip = (offered.index(name) for offered, name in names)
    return s.arch, init, norm, s.depth, skip, run.seed, getattr(run, "step", 0)


def _from_store(
    path: results.StrPath, where: Mapping[str, Any], read: Callable[[Stored], list[T]]
) -> list[T] | None:
    """Return what is in the store at `path`, or None if that is no store."""
    if not (Path(path) / RUNS).is_dir() or not (store := Store(path)).keys():
        return None
    found = newest(store.runs(**where))
    if not found:
        damaged = f"; {len(store.damaged)} are damaged" if store.damaged else ""
        raise ValueError(f"no run in {store.runs_path} fits {_told(where)}{damaged}")
    return [one for run in found for one in read(run)]


def _told(where: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in where.items())


def _run_json(path: results.StrPath, experiment: str) -> tuple[Path, dict[str, Any]]:
    folder = Path(path)
    file = folder if folder.name == "run.json" else folder / "run.json"
    if not folder.exists():
        raise FileNotFoundError(f"there is no {folder}")
    try:
        document = json.loads(results.read_text(file))
    except (FileNotFoundError, NotADirectoryError):
        text = f"{folder} holds neither a store of runs ({RUNS}/) nor a run.json of {experiment}"
        raise FileNotFoundError(text) from None
    except (ValueError, RecursionError):
        raise ValueError(f"{file} is no JSON, or is cut off") from None
    kind = document.get("experiment") if isinstance(document, dict) else None
    if kind != experiment or not isinstance(document.get("runs"), list):
        what = f"of {kind!r}" if isinstance(kind, str) else "of something else"
        raise ValueError(f"{file} is {what}; expected one that `minires {experiment}` wrote")
    return file, document


# ---- what was saved before there was a store ----------------------------------------------------
def _saved_gradflow(found: tuple[Path, dict[str, Any]], where: Mapping[str, Any]) -> list[Run]:
    """Take settings from run.json, and numbers from the tables beside it, which have nan and inf.

    Raises ValueError if they do not belong together.
    """
    file, document = found
    layers = _table(file.parent / "layers.csv", LayerRecord)
    blocks = _table(file.parent / "blocks.csv", BlockRecord)
    runs = []
    try:
        for run in document["runs"]:
            own = [next(layers) for _ in run["layers"]]
            parts = [next(blocks) for _ in run["blocks"]]
            if [layer["name"] for layer in run["layers"]] != [record.name for record in own]:
                raise ValueError("layers.csv is of another run")
            if not fits(run | {"task": "gradflow"}, where):
                continue
            one = {f"{name}s": [run[name]] for name in ("depth", "skip", "norm", "init")}
            how = Experiment(**_known(Experiment, run) | one)
            net = Setting(**_known(Setting, run))
            loss = math.nan if run["loss"] is None else run["loss"]
            runs.append(run_of(how, net, run["seed"], run["step"], loss, own, parts))
    except StopIteration:
        raise ValueError(f"{file}: layers.csv or blocks.csv beside it is cut off") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{file} cannot be read: {_reason(error)}") from None
    return _some(runs, file, where)


def _saved_degradation(found: tuple[Path, dict[str, Any]], where: Mapping[str, Any]) -> list[Curve]:
    file, document = found
    curves = []
    try:
        for run in document["runs"]:
            if not fits(run | {"task": "degradation"}, where):
                continue
            cuts = tuple(float(cut) for cut in run["milestones"].split())
            recipe = Recipe(**_known(Recipe, run) | {"milestones": cuts})
            ends = (run["test_error"], run["diverged_at"])
            net = Setting(**_known(Setting, run))
            curves.append(Curve(net, run["seed"], run["losses"], run["errors"], *ends, recipe))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{file} cannot be read: {_reason(error)}") from None
    return _some(curves, file, where)


def _reason(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def _some(found: list[T], file: Path, where: Mapping[str, Any]) -> list[T]:
    if not found:
        raise ValueError(f"no run in {file} fits {_told(where)}")
    return found


def _known(kind: Any, run: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: run[f.name] for f in fields(kind) if f.name in run}


def _table(path: Path, kind: type[T]) -> Iterator[T]:
    """Yield the records of a CSV that `save` wrote; nothing if there is none."""
    if not path.exists():
        return
    hints = {name: str(hint) for name, hint in get_type_hints(kind).items()}
    for row in csv.DictReader(io.StringIO(results.read_text(path), newline="")):
        yield kind(**{name: _cell(row[name], hints[name]) for name in hints if name in row})


def _cell(text: str, hint: str) -> Any:
    if "str" in hint:
        return text
    if "bool" in hint:
        return {"True": True, "False": False}[text]
    if text == "":
        return None
    return int(text) if "int" in hint else float(text)

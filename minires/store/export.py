"""Tables of runs for other programs: CSV, Parquet, pandas, xarray."""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import results
from .files import json_bytes
from .stored import Stored
from .tidy import Table, tidy

SUFFIXES = (".csv", ".parquet")
_ARROW = {"whole": "int64", "number": "float64", "flag": "bool", "text": "string"}


def check(path: results.StrPath) -> Path:
    """Return the path of an export, which tells the format. Raises ValueError, or ImportError."""
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}")
    if path.suffix.lower() == ".parquet":
        arrow()
    return path


def export(runs: Sequence[Stored], path: results.StrPath, what: str = "rows") -> list[Path]:
    """Write a table of runs (see `tidy`) as .csv or .parquet, by the name; return the paths.

    A second file beside it, NAME.columns.json, says what each column is. Both are written under
    temporary names, one run after the other, and renamed. Raises OSError, ValueError, Damaged.
    """
    path = check(path)
    table = tidy(runs, what)
    write = _write_csv if path.suffix.lower() == ".csv" else _write_parquet
    beside = path.with_name(path.name + ".columns.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file")
    temporary = path.with_name(f".minires-{secrets.token_hex(8)}")
    try:
        write(table, temporary)
        results.write_bytes(beside, json_bytes({"table": what, "columns": table.about()}))
        os.replace(temporary, path)
    except OSError as error:
        told = OSError(f"cannot write {path}: {error.strerror or error}")
        told.errno = error.errno
        raise told from None
    finally:
        temporary.unlink(missing_ok=True)
    return [path, beside]


def _write_csv(table: Table, path: Path) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table.columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table.rows())


def _write_parquet(table: Table, path: Path) -> None:
    pa = arrow()
    from pyarrow import parquet

    about = table.about()
    schema = pa.schema(
        [
            pa.field(
                name, pa.type_for_alias(_ARROW[kind]), metadata={"about": about[name]["about"]}
            )
            for name, kind in table.columns.items()
        ]
    )
    with parquet.ParquetWriter(path, schema) as writer:
        waiting: list[dict[str, Any]] = []
        for run in table.runs:
            waiting += table.of(run)
            if len(waiting) >= 50_000:  # rows of a group
                writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
                waiting = []
        writer.write_table(pa.Table.from_pylist(waiting, schema=schema))


def arrow() -> Any:
    """Return pyarrow. ImportError says how to install it."""
    try:
        import pyarrow
    except ImportError:
        raise ImportError(
            'Parquet needs pyarrow: pip install "minires[cluster]" (or export a .csv)'
        ) from None
    return pyarrow


def to_pandas(runs: Sequence[Stored], what: str = "rows") -> Any:
    """Return a table of runs (see `tidy`) as a DataFrame. ImportError without pandas."""
    try:
        import pandas
    except ImportError:
        raise ImportError("to_pandas needs pandas: pip install pandas") from None
    table = tidy(runs, what)
    kinds = {"whole": "Int64", "number": "float64", "flag": "boolean", "text": "str"}
    columns: dict[str, list[Any]] = {name: [] for name in table.columns}
    for row in table.rows():
        for name, values in columns.items():
            values.append(row[name])
    return pandas.DataFrame(
        {
            name: pandas.array(values, dtype=kinds[table.columns[name]])
            if table.columns[name] != "text"
            else pandas.Series(values, dtype=object)
            for name, values in columns.items()
        }
    )


def to_xarray(runs: Sequence[Stored]) -> Any:
    """Return the layers' numbers as a Dataset: run × step × layer, NaN where a net has none.

    Coordinates of `run` are its key, seed and setting, those of the variables their meaning.
    ImportError without xarray.
    """
    try:
        import xarray
    except ImportError:
        raise ImportError("to_xarray needs xarray: pip install xarray") from None
    import numpy as np

    table = tidy(runs, "rows")
    heads = [row for run in runs for row in tidy([run], "runs").rows()]
    rows = [table.of(run) for run in runs]
    steps = sorted({row["step"] for same in rows for row in same})
    layers = 1 + max((row["index"] for same in rows for row in same), default=-1)
    own = {n for run in runs for n in run.document["columns"].get("rows", {})}
    about = table.about()
    found = {}
    for name in sorted(own - {"step", "index"}):
        if table.columns.get(name) not in ("number", "whole", "flag"):
            continue
        values = np.full((len(runs), len(steps), layers), np.nan)
        for i, same in enumerate(rows):
            for row in same:
                if (value := row[name]) is not None:
                    values[i, steps.index(row["step"]), row["index"]] = value
        found[name] = (("run", "step", "layer"), values, {"about": about[name]["about"]})
    of_run = {n: ("run", [h.get(n) for h in heads]) for n in (heads[0] if heads else ()) if
              n not in found}  # fmt: skip
    return xarray.Dataset(found, {**of_run, "step": steps, "layer": range(layers)})

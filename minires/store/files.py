"""The files of a run: tables as CSV, whose columns have a kind each; arrays as .npz.

Numbers are written with the digits that tell them apart, so what is read is what was computed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import results
from ..tensor import Array

Kinds = dict[str, str]
_SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_READ: dict[str, Callable[[str], Any]] = {
    "whole": int,
    "number": float,
    "flag": lambda text: {"True": True, "False": False}[text],
    "text": str,
}


def kinds(rows: Sequence[Mapping[str, Any]]) -> Kinds:
    """Return the kind of each column of a table: whole, number, flag or text."""
    found: Kinds = {}
    for row in rows:
        for name, value in row.items():
            kind = _kind(name, value)
            before = found.setdefault(name, kind)
            if kind and before != kind:
                if {before, kind} - {"", "whole", "number"}:
                    raise TypeError(f"column {name}: a {before} and a {kind}, {value!r}")
                found[name] = kind if not before else "number"
    return {name: kind or "number" for name, kind in found.items()}


def _kind(name: str, value: Any) -> str:
    if value is None:
        return ""
    for kind, types in (
        ("flag", bool | np.bool_),
        ("whole", int | np.integer),
        ("number", float | np.floating),
        ("text", str),
    ):
        if isinstance(value, types):
            return kind
    raise TypeError(f"column {name}: expected a number, text, True, False or None, got {value!r}")


def table_bytes(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return a table as CSV; None is an empty field."""
    plain = [{k: _plain(v) for k, v in row.items()} for row in rows]
    return results.to_csv(plain).encode()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def read_table(data: bytes, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows of a CSV as they were written. ValueError for a table that is another."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""))
    names = next(reader, [])
    if names != list(columns):
        raise ValueError(f"expected the columns {', '.join(columns)}; found {', '.join(names)}")
    try:
        read = [_READ[kind] for kind in columns.values()]
        return [
            {
                name: to(cell) if cell or to is str else None
                for name, to, cell in zip(names, read, line, strict=True)
            }
            for line in reader
        ]
    except KeyError as error:
        raise ValueError(f"a cell or a kind of column is {error}") from None


def npz_bytes(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as an .npz file; the same arrays give the same bytes."""
    file = io.BytesIO()
    np.savez(file, **{name: np.asarray(a) for name, a in arrays.items()})  # type: ignore[arg-type]
    return file.getvalue()


def read_npz(data: bytes) -> dict[str, Array]:
    """Return the arrays of an .npz file; nothing is unpickled. ValueError for another file."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, EOFError, KeyError, OSError, AttributeError, TypeError) as error:
        raise ValueError(f"no arrays can be read: {error}") from None


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Return strict JSON; numbers that are not finite are the texts "nan", "inf" and "-inf"."""
    text = json.dumps(_told(document), indent=1, allow_nan=False, ensure_ascii=False)
    return (text + "\n").encode()


def _told(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _told(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_told(v) for v in value]
    value = _plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def number(value: Any) -> Any:
    """Return the number that is not finite which a text of `json_bytes` stands for, if it does."""
    return _SPECIAL.get(value, value) if isinstance(value, str) else value

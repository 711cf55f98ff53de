"""Results: rows as CSV, JSON and aligned tables, and files of which each is written whole or not.

A row is a dictionary. Text is UTF-8 with `\\n` line ends, whatever the locale and the platform.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import platform
import re
import secrets
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import environment

Rows = Sequence[Mapping[str, Any]]
StrPath = str | os.PathLike[str]

_ROOM = 1 << 20  # bytes for which `folder` looks: about what figures and rows of a run take
_NUMERIC = re.compile(r"[-+]?(\d|inf\b|nan\b)|-?$")


# ---- files --------------------------------------------------------------------------------------
def write_bytes(path: StrPath, data: bytes) -> Path:
    """Write `data` to `path`, making its folder; a reader sees the old file or the new one."""
    return write_all({Path(path): data})[0]


def write_text(path: StrPath, text: str) -> Path:
    """Write text as UTF-8; see `write_bytes`."""
    return write_bytes(path, _encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")  # bytes of a file's name that are no text


def read_text(path: StrPath) -> str:
    """Read UTF-8 text, also of editors that mark it as such. ValueError for what is none."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        text = f"{path} is no text in UTF-8 (at byte {error.start}); save it as UTF-8"
        raise ValueError(text) from None


def write_all(files: Mapping[Path, bytes]) -> list[Path]:
    """Write each file to a temporary name beside it; rename them when all of them are written.

    So a reader sees an old file or a new one, and what cannot be written (no space, no permission)
    leaves all of the old ones. A rename that fails, or a machine that stops between two, leaves the
    new ones before it and the old ones after it. A file that is replaced keeps its permissions.
    Links are followed; a device or a pipe is written to as it is. Raises OSError with the path.
    """
    waiting: list[tuple[Path, Path, Path]] = []  # temporary name, final name, as it was given
    try:
        for path, data in files.items():
            with _told_of(path):
                target = Path(os.path.realpath(path))
                target.parent.mkdir(parents=True, exist_ok=True)
                mode = target.stat().st_mode if target.exists() else None
                if mode is not None and not stat.S_ISREG(mode):
                    target.write_bytes(data)  # raises for a folder; renaming would replace a device
                else:
                    waiting.append((_temporary(target.parent), target, path))
                    _write(waiting[-1][0], data, mode)
        for temporary, target, path in waiting:
            with _told_of(path):
                os.replace(temporary, target)
    finally:
        for temporary, _, _ in waiting:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    return list(files)


def _write(path: Path, data: bytes, mode: int | None) -> None:
    """Write a new file, with the permissions `mode`; None: those that the user's umask gives.

    Its owner may read and write it whatever the umask is: in a browser Python's begins as 777.
    """
    if mode is not None:
        path.touch(0o600)  # nobody else reads it before it has its own
    path.write_bytes(data)
    with contextlib.suppress(OSError):  # file systems without permissions
        path.chmod(stat.S_IMODE(path.stat().st_mode | 0o600 if mode is None else mode))


@contextlib.contextmanager
def _told_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _told(error, f"cannot write {path}: {error.strerror}") from None


def _temporary(parent: Path) -> Path:
    return parent / f".minires-{secrets.token_hex(8)}"


def folder(path: StrPath) -> Path:
    """Return `path` as a folder into which files can be written; call it before the work.

    Makes it, and writes and removes a file of 1 MiB. Raises OSError that says what is wrong: a file
    has that name, no permission, no space.
    """
    path = Path(path)
    probe = _temporary(path)
    try:
        try:
            path.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(bytes(_ROOM))
        finally:
            with contextlib.suppress(OSError):
                probe.unlink(missing_ok=True)
    except OSError as error:
        file = next((p for p in (path, *path.parents) if p.exists() and not p.is_dir()), None)
        reason = error.strerror if file is None else f"{file} is a file"
        text = f"cannot write results to {path}: {reason}; name another folder"
        raise _told(error, text) from None
    return path


def _told(error: OSError, text: str) -> OSError:
    """Return the error in words for the user."""
    told = type(error)(text)
    told.errno = error.errno
    return told


def save_run(
    out: StrPath, experiment: str, files: Mapping[str, bytes | str], document: Mapping[str, Any]
) -> list[Path]:
    """Write a run's files and run.json into `out`, see `write_all`; return the paths in order.

    run.json is `document` after the name of the experiment and of every file. Files which an
    earlier run of the same experiment wrote here, and this one does not, are removed.
    """
    path = Path(out)
    stale = set(files_of(path, experiment)) - set(files)
    head = {"experiment": experiment, "files": [*files, "run.json"]}
    files = {**files, "run.json": to_json({**head, **document})}
    encoded = {k: _encoded(v) if isinstance(v, str) else v for k, v in files.items()}
    paths = write_all({path / name: data for name, data in encoded.items()})
    for name in stale - {"run.json"}:
        with contextlib.suppress(OSError):
            (path / name).unlink(missing_ok=True)
    return paths


def files_of(path: Path, experiment: str | None = None) -> list[str]:
    """Return the names of the files that an earlier run (of `experiment`) left in the folder."""
    try:
        found = json.loads(read_text(path / "run.json"))
        names = found["files"] if experiment in (None, found["experiment"]) else []
        return [n for n in names if n == Path(n).name and (path / n).is_file()]
    except (OSError, ValueError, TypeError, KeyError):  # none there, or nothing that we wrote
        return []


def wrote(paths: Sequence[Path], before: Sequence[str]) -> str:
    """Return what to tell: the files written, and what became of those of an earlier run."""
    names = [p.name for p in paths]
    text = "wrote " + " ".join(map(str, paths))
    if any(name in names for name in before):
        text += "\n(these replace the results of an earlier run)"
    if left := [n for n in before if n not in names and (paths[0].parent / n).exists()]:
        text += f"\nalso there, from an earlier run of another kind: {' '.join(left)}"
    return text


# ---- rows ---------------------------------------------------------------------------------------
def to_csv(rows: Rows, header: Sequence[str] = ()) -> str:
    """Return rows as CSV; None is an empty field, and nan and inf are written as such.

    The columns are `header`, then all other keys in order of appearance.
    """
    columns = dict.fromkeys([*header, *(key for row in rows for key in row)])
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def to_json(document: Any) -> str:
    """Return JSON, which has no NaN: numbers that are not finite are null."""
    return json.dumps(finite(document), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def finite(value: Any) -> Any:
    """Return `value` as plain Python values, with None for each number that is not finite."""
    if isinstance(value, Mapping):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    if isinstance(value, np.generic | np.ndarray):
        return finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def table(rows: Rows, columns: Sequence[str] | None = None) -> str:
    """Return rows as aligned text under a line of names; `columns` None takes all keys.

    Numbers are flush right, text and the first column left. See `number` for what is not text.
    """
    if columns is None:
        columns = list(dict.fromkeys(key for row in rows for key in row))
    shown = []
    for i, column in enumerate(columns):
        cells = [number(row.get(column)) for row in rows]
        width = max(map(len, [column, *cells]))
        right = i > 0 and all(map(_NUMERIC.match, cells))
        shown.append([c.rjust(width) if right else c.ljust(width) for c in [column, *cells]])
    return "\n".join("  ".join(line).rstrip() for line in zip(*shown, strict=True))


def number(value: Any) -> str:
    """Return a cell: "-" for None, a float rounded as below, and anything else as it is.

    From 1 to 1000 a float has three significant digits, above it has no decimals; below 1 it has
    three decimals, and one digit with an exponent below 0.001.
    """
    if value is None:
        return "-"
    if not isinstance(value, float | np.floating) or not math.isfinite(value):
        return str(value)
    size = abs(float(value))
    if 0 < size < 1e-3:
        return f"{value:.0e}"
    return f"{value:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3}f}"


def spread(values: Sequence[float | None], form: str = "{:.4f}") -> str:
    """Return "mean ± sample standard deviation" of the values that exist.

    The mean alone if there is one value, "-" if there is none.
    """
    known = [v for v in values if v is not None]
    if not known:
        return "-"
    mean = form.format(np.mean(known))
    return mean if len(known) == 1 else f"{mean} ± {form.format(np.std(known, ddof=1))}"


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    from . import __version__

    return {
        "minires": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": environment.version("numba") or "not installed",
        "platform": platform.platform(),
        "machine": platform.machine(),
        "byteorder": sys.byteorder,
    }

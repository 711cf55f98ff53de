"""One run that is in a store: read when it is asked for, and checked whenever it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..tensor import Array
from . import files
from .job import Job, key_of

FORMAT = 1
RUN, MADE, DONE, ARRAYS = "run.json", "made.json", "DONE", "arrays.npz"
TABLES = {"rows": "rows.csv", "blocks": "blocks.csv", "curve": "curve.csv"}
NAMES = (RUN, MADE, *TABLES.values(), ARRAYS)  # of all files that a run can have, but for DONE
_MOST = 1 << 20  # bytes of a DONE


class Damaged(ValueError):
    """A folder that is no whole, unchanged run; the text says which and why."""


@dataclass(frozen=True)
class Stored:
    """A finished run. Its tables and arrays are read from the disk at each call.

    path       of its folder, whose name is the key
    document   run.json: what was asked for, the summary, the columns of the tables
    made       made.json: seconds, versions and time; all else is the same whoever computed it
    """

    path: Path
    document: Mapping[str, Any]
    made: Mapping[str, Any]
    checksums: Mapping[str, str]

    @property
    def key(self) -> str:
        return self.path.name

    @property
    def task(self) -> str:
        return str(self.document["task"])

    @property
    def setting(self) -> dict[str, Any]:
        return dict(self.document["setting"])

    @property
    def seed(self) -> int:
        return int(self.document["seed"])

    @property
    def code(self) -> str:
        return str(self.document["code"])

    @property
    def seconds(self) -> float:
        return float(self.made["seconds"])

    @property
    def summary(self) -> dict[str, Any]:
        return {name: files.number(v) for name, v in self.document["summary"].items()}

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each layer and measured step. Raises Damaged, like all that read."""
        return self._table("rows")

    def blocks(self) -> list[dict[str, Any]]:
        """Return a row for each residual block and measured step."""
        return self._table("blocks")

    def curve(self) -> list[dict[str, Any]]:
        """Return a row for each step, or epoch, that was looked at."""
        return self._table("curve")

    def arrays(self) -> dict[str, Array]:
        """Return the arrays by name."""
        if ARRAYS not in self.checksums:
            return {}
        try:
            return files.read_npz(read(self.path, ARRAYS, self.checksums))
        except ValueError as error:
            raise Damaged(f"{self.path / ARRAYS}: {error}") from None

    def digest(self) -> str:
        """Return a hash of all that was computed; equal for runs with the same bits."""
        same = sorted((name, c) for name, c in self.checksums.items() if name != MADE)
        return hashlib.sha256(repr(same).encode()).hexdigest()[:16]

    def digest_of_results(self) -> str:
        """Return a hash of what was measured alone, for runs of two codes or two settings."""
        tables = sorted((n, c) for n, c in self.checksums.items() if n not in (RUN, MADE))
        text = repr((tables, sorted(self.document["summary"].items())))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def job(self) -> Job:
        """Return what was asked for; its key is another one if the code is another by now."""
        return Job(self.task, self.setting, self.seed)

    def _table(self, kind: str) -> list[dict[str, Any]]:
        name = TABLES[kind]
        if name not in self.checksums:
            return []
        try:
            columns = self.document["columns"][kind]
            return files.read_table(read(self.path, name, self.checksums), columns)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, Damaged):
                raise
            raise Damaged(f"{self.path / name}: {error}") from None


def read(path: Path, name: str, checksums: Mapping[str, str]) -> bytes:
    """Return the bytes of one file of a run. Raises Damaged if they are not what was written."""
    try:
        data = (path / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise Damaged(f"{path} lacks {name}") from None
    if checksum(data) != checksums[name]:
        raise Damaged(f"{path / name} has been changed or damaged: its checksum does not fit")
    return data


def checksum(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def load(path: Path) -> Stored:
    """Return the run in a folder, all of whose files are whole.

    Raises FileNotFoundError where there is none, Damaged for one that is not as it was written, and
    OSError for what cannot be read. No name or path in a file is followed.
    """
    if not path.is_dir():
        raise FileNotFoundError(f"there is no run {path}")
    checksums = _checksums(path)
    data = {name: read(path, name, checksums) for name in checksums}
    try:
        document, made = (json.loads(data[name]) for name in (RUN, MADE))
        found = Stored(path, document, made, checksums)
        if document["format"] != FORMAT:
            text = f"{path} is a run of format {document['format']}; this minires reads {FORMAT}"
            raise Damaged(text)
        fits = key_of(document) == path.name
        _ = found.task, found.setting, found.seed, found.seconds, found.summary
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, Damaged):
            raise
        raise Damaged(f"{path / RUN} is no document of a run ({error!r:.200})") from None
    if not fits:
        raise Damaged(f"{path} holds another run than its name says")
    return found


def _checksums(path: Path) -> dict[str, str]:
    done = path / DONE
    try:
        with open(done, "rb") as file:
            found = json.loads(file.read(_MOST))
    except (FileNotFoundError, IsADirectoryError):
        raise Damaged(f"{path} has no {DONE}: it is no finished run") from None
    except (ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, dict)
        or not {RUN, MADE} <= set(found) <= set(NAMES)
        or not all(isinstance(c, str) for c in found.values())
    ):
        raise Damaged(f"{done} has been changed or damaged")
    return found

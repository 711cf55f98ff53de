"""The folder of all runs: finding, computing, listing."""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .. import results
from . import files, stored
from .filters import fits
from .job import Asked, Job, key_of
from .stored import Damaged, Stored
from .tasks import Result

RUNS = "runs"
_KEY = re.compile(r"[0-9a-f]{16}")
_TEMPORARY = re.compile(r"\.(minires|damaged|claim)-[0-9a-f]{16}")


class Store:
    """The runs in PATH/runs. Nothing is made before the first run is put there.

    damaged   what was found damaged so far: key → what is wrong; such runs count as missing, and
              are replaced when they are computed again

    Raises OSError if the path is, or is below, a file.
    """

    def __init__(self, path: results.StrPath) -> None:
        self.path = Path(path)
        self.runs_path = self.path / RUNS
        self.damaged: dict[str, str] = {}
        for place in (self.runs_path, self.path, *self.path.parents):
            if place.exists() and not place.is_dir():
                raise NotADirectoryError(
                    f"{place} is a file, and a store of runs is a folder; name another one"
                )

    def find(self, job: Asked) -> Stored | None:
        """Return the job's run if it is here, whole and undamaged. OSError if it can't be read."""
        return self._load(job.key())

    def _load(self, key: str) -> Stored | None:
        try:
            return stored.load(self.runs_path / key)
        except FileNotFoundError:
            return None
        except Damaged as error:
            self.damaged[key] = str(error)
            return None

    def compute(self, job: Job) -> Stored:
        """Return the job's run from the store; if it is not there, compute and put it."""
        found = self.find(job)
        if found is not None:
            return found
        start = time.perf_counter()
        result = job.compute()
        return self.put(job, result, time.perf_counter() - start)

    def put(self, job: Asked, result: Result, seconds: float) -> Stored:
        """Write the run of a job; if another process was first, theirs stays.

        Raises OSError, saying what is wrong, if it cannot be written; then nothing has changed.
        """
        document = job.document()
        key = key_of(document)
        contents = _contents(document, result, seconds)
        temporary = self.runs_path / _temporary("minires")
        try:
            self.runs_path.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
            # Unsynchronised: after a power failure checksums tell what was not written.
            for name, data in contents.items():
                (temporary / name).write_bytes(data)
            return self._place(temporary, key)
        except OSError as error:
            full = " (the disk is full)" if error.errno == errno.ENOSPC else ""
            told = OSError(
                f"cannot write a run to {self.runs_path}{full}: {error.strerror or error}; the "
                "runs that are there stay as they are"
            )
            told.errno = error.errno
            raise told from None
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _place(self, temporary: Path, key: str) -> Stored:
        """Rename a written folder to where it belongs; return what is there then."""
        target = self.runs_path / key
        for _ in range(100):  # each time another process may have been faster
            try:
                os.rename(temporary, target)  # replaces no folder that has something in it
                self.damaged.pop(key, None)
            except OSError as error:
                if not os.path.lexists(target):
                    raise
                theirs = self._load(key)
                if theirs is not None:
                    return theirs
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EACCES):
                    raise
                self._remove(target)
                continue
            return stored.load(target)
        raise OSError(errno.EBUSY, f"{target} changes all the time")

    def _remove(self, path: Path) -> None:
        """Remove a folder (or a file in its place): first by name, so that nobody sees half."""
        aside = self.runs_path / _temporary("damaged")
        with contextlib.suppress(FileNotFoundError):  # another process has removed it
            os.rename(path, aside)
            if aside.is_dir() and not aside.is_symlink():
                shutil.rmtree(aside, ignore_errors=True)
            else:
                aside.unlink()

    # ---- all of them ----------------------------------------------------------------------------
    def keys(self) -> list[str]:
        """Return the names of all folders that look like runs, finished or not, in order."""
        try:
            return sorted(e.name for e in os.scandir(self.runs_path) if _KEY.fullmatch(e.name))
        except FileNotFoundError:
            return []

    def runs(self, **where: Any) -> list[Stored]:
        """Return the whole runs that fit, in an order that does not depend on when they came.

        `where` holds fields of the setting, or task, seed, code and key: a value, or a list of
        those that will do. What is damaged is left out; see `damaged`.
        """
        found = [run for run in self._all() if fits(_values(run), where)]
        return sorted(found, key=_order)

    def _all(self) -> Iterator[Stored]:
        for key in self.keys():
            try:
                run = self._load(key)
            except OSError as error:
                self.damaged[key] = f"{self.runs_path / key} cannot be read: {error.strerror}"
                continue
            if run is not None:
                yield run

    def to_pandas(self, what: str = "rows", **where: Any) -> Any:
        """Return the runs that fit as a DataFrame; see `export.to_pandas`, which needs pandas."""
        from .export import to_pandas

        return to_pandas(self.runs(**where), what)

    def to_xarray(self, **where: Any) -> Any:
        """Return the runs that fit as a Dataset; see `export.to_xarray`, which needs xarray."""
        from .export import to_xarray

        return to_xarray(self.runs(**where))

    def unfinished(self, older: float = 600.0) -> list[Path]:
        """Return what killed processes left: temporary folders, and claims, `older` seconds old."""
        try:
            entries = [e for e in os.scandir(self.runs_path) if _TEMPORARY.fullmatch(e.name)]
        except FileNotFoundError:
            return []
        now = time.time()
        old = []
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # it was being renamed
                if now - entry.stat(follow_symlinks=False).st_mtime >= older:
                    old.append(Path(entry.path))
        return sorted(old)

    def remove(self, name: str) -> None:
        """Remove a run, or something unfinished, by the name of its folder."""
        if not (_KEY.fullmatch(name) or _TEMPORARY.fullmatch(name)):
            raise ValueError(f"{name!r} is no name of a run")
        self._remove(self.runs_path / name)
        self.damaged.pop(name, None)


def _values(run: Stored) -> dict[str, Any]:
    return run.setting | {"task": run.task, "seed": run.seed, "code": run.code, "key": run.key}


def _order(run: Stored) -> tuple[str, list[tuple[str, str, float, str]], int, str]:
    """Sort by task, setting (numbers by size) and seed."""
    setting = [
        (name, type(v).__name__, float(v), "")
        if isinstance(v, int | float)
        else (name, type(v).__name__, 0.0, str(v))
        for name, v in run.setting.items()
    ]
    return run.task, setting, run.seed, run.code


def _temporary(kind: str) -> str:
    return f".{kind}-{secrets.token_hex(8)}"


def _contents(document: dict[str, Any], result: Result, seconds: float) -> dict[str, bytes]:
    """Return the files of a run by name, DONE last."""
    tables = {"rows": result.rows, "blocks": result.blocks, "curve": result.curve}
    columns = {kind: files.kinds(table) for kind, table in tables.items() if table}
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    made = {"seconds": seconds, "when": when, "versions": results.versions()}
    head = {"format": stored.FORMAT, **document, "summary": result.summary, "columns": columns}
    contents = {
        stored.RUN: files.json_bytes(head),
        stored.MADE: files.json_bytes(made),
        **{stored.TABLES[kind]: files.table_bytes(tables[kind]) for kind in columns},
    }
    if result.arrays:
        contents[stored.ARRAYS] = files.npz_bytes(result.arrays)
    checksums = {name: stored.checksum(data) for name, data in contents.items()}
    return {**contents, stored.DONE: files.json_bytes(checksums)}

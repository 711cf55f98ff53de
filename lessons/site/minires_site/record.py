"""Lessons as they run: what each cell shows, kept in minires' cache by content.

A lesson runs in a process of its own, cell by cell as in an editor, at a desk that notes what is
shown. A record is named after the lesson's text, the tier of its parameters, and the sources of
minires that took part, so that it is never older than what it shows.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import io
import json
import linecache
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from minires import results
from minires.lessons import desk, files
from minires.lessons.files import LessonFile
from minires_kernels import caches

ROOT = Path(__file__).parents[3]
TIERS = ("fast", "default")


class Page(desk.Desk):
    """Nobody is there; what is shown is noted, in order: text, Markdown, figures."""

    narrow = True
    told = True  # the page itself says how to predict

    def __init__(self, stdout: io.StringIO) -> None:
        super().__init__()
        self.stdout = stdout
        self.outputs: list[dict[str, Any]] = []

    def flush(self) -> None:
        """Note what was printed since the last time."""
        if text := self.stdout.getvalue():
            self.outputs.append({"text": text})
        self.stdout.seek(0)
        self.stdout.truncate()

    def note(self, **output: Any) -> None:
        """Note an output, behind what was printed before it."""
        self.flush()
        self.outputs.append(output)

    def show(self, markdown: str) -> None:
        """Note Markdown."""
        self.note(markdown=inspect.cleandoc(markdown))

    def table(self, rows: results.Rows) -> None:
        """Note a table, with its cells as they are printed."""
        columns = list(dict.fromkeys(key for row in rows for key in row))
        cells = [[results.number(row.get(column)) for column in columns] for row in rows]
        self.note(table=[columns, *cells])

    def image(self, path: Path, alt: str) -> None:
        """Note a figure."""
        self.note(figure=path.stem, alt=alt)


def calls(code: str, method: str) -> list[str]:
    """Return the first arguments of the calls `lesson.method("…", …)` in a cell."""
    return [
        call.args[0].value
        for call in ast.walk(ast.parse(code))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == method
        and call.args
        and isinstance(call.args[0], ast.Constant)
    ]


def run(path: str, tier: str, folder: str) -> list[str]:
    """Run a lesson in this process; write record.json and its figures into the folder.

    Returns the sources of minires that took part. Raises RuntimeError that names the cell which failed.
    """
    os.environ |= {
        "MINIRES_OUT": str(Path(folder) / "figures"),
        "MINIRES_ANSWERS": str(Path(folder) / "answers"),
        "MINIRES_FAST": "1" if tier == "fast" else "0",
        "MINIRES_FULL": "0",
        "MINIRES_CHECK": "0",
        "MPLBACKEND": "Agg",
    }
    os.chdir(folder)
    sys.argv = [path]
    found, namespace = [], {"__name__": "__main__"}
    for i, part in enumerate(files.parts(results.read_text(Path(path)))):
        if part.markdown:
            continue
        name, code = f"{Path(path).name}, cell {i}", "\n".join(part.lines) + "\n"
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        with contextlib.redirect_stdout(io.StringIO()) as stdout:
            page = desk.in_runner = Page(stdout)
            page.cell = i
            try:
                exec(compile(code, name, "exec"), namespace)
            except BaseException as error:
                raise RuntimeError(f"{name} (line {part.line}): {error!r}") from error
            page.flush()
        asked = getattr(namespace.get("lesson"), "_questions", {})
        questions = [
            {"key": key, "text": asked[key].text, "choices": list(asked[key].choices)}
            for key in calls(code, "predict")
        ]
        found.append({"outputs": page.outputs, "asks": questions, "reveals": calls(code, "reveal")})
    os.chdir(ROOT)
    results.write_text(Path(folder) / "record.json", results.to_json({"cells": found}))
    return imported()


def digest(paths: list[Path]) -> str:
    """Return a digest of files below the repository."""
    found = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes() if path.exists() else b"gone"
        found.update(str(path.relative_to(ROOT)).encode() + content)
    return found.hexdigest()[:20]


def imported() -> list[str]:
    """Return the sources of minires that this process has imported, below the repository."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    paths = [Path(file) for file in files if file and file.endswith(".py")]
    inside = [p for p in paths if p.is_relative_to(ROOT) and "site-packages" not in p.parts]
    return sorted({p.relative_to(ROOT).as_posix() for p in inside})


def cache() -> Path:
    """Return the folder of all records."""
    return (caches.cache_root() or Path(tempfile.gettempdir())) / "site"


def kept(lesson: LessonFile, tier: str) -> tuple[Path, Path | None]:
    """Return the folder for the records of a lesson as it stands, and of the one that is valid."""
    text = hashlib.sha256(results.read_text(lesson.path).encode()).hexdigest()[:12]
    home = cache() / f"{lesson.path.stem}-{tier}-{text}"
    try:
        names = json.loads((home / "imported.json").read_text("utf-8"))
    except FileNotFoundError:
        return home, None
    found = home / digest_of(names)
    return home, found if (found / "record.json").exists() else None


def digest_of(names: list[str]) -> str:
    """Return a digest of all that a lesson's results depend on beside its own text."""
    stored = [p for p in (ROOT / "lessons" / "stored").rglob("*") if p.is_file()]
    return digest([*(ROOT / name for name in names), *stored, Path(__file__)])


def record_all(lessons: list[LessonFile], tier: str, say: Any = print) -> dict[int, Path]:
    """Return the folders of the records of lessons, after running those that have none.

    Raises RuntimeError for a lesson that fails, ValueError for an unknown tier.
    """
    if tier not in TIERS:
        raise ValueError(f"MINIRES_SITE_TIER: expected {' or '.join(TIERS)}, got {tier!r}")
    places = {lesson.number: kept(lesson, tier)[1] for lesson in lessons}
    missing = [lesson for lesson in lessons if places[lesson.number] is None]
    if missing:
        # One after the other: the kernels use the cores. Each in a process of its own, forked
        # where that is possible from one that has imported minires.
        here = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in here else "spawn")
        if "forkserver" in here:
            context.set_forkserver_preload(["minires", "minires.lessons", "minires.gradflow"])
        with ProcessPoolExecutor(1, mp_context=context, max_tasks_per_child=1) as pool:
            for lesson in missing:
                say(f"running lesson {lesson.number} ({tier}) …")
                places[lesson.number] = _record(pool, lesson, tier)
    return {number: place for number, place in places.items() if place}


def _record(pool: ProcessPoolExecutor, lesson: LessonFile, tier: str) -> Path:
    home, _ = kept(lesson, tier)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        work = Path(folder) / "work"
        work.mkdir()
        names = pool.submit(run, str(lesson.path), tier, str(work)).result()
        target = home / digest_of(names)
        if not target.exists():
            work.rename(target)
    results.write_text(home / "imported.json", json.dumps(names))
    return target


def read(folder: Path) -> list[dict[str, Any]]:
    """Return what each code cell of a record shows."""
    found: list[dict[str, Any]] = json.loads((folder / "record.json").read_text("utf-8"))["cells"]
    return found

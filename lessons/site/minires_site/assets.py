"""What lies beside the pages: figures, the wheel, the students' files, the live parts.

Python in the browser reads `_static/live/config.json`: where Pyodide is, what the wheel is called,
and which lessons there are.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from minires import results
from minires.lessons.files import lesson_files, notebook, student_version

from . import figures, gallery, record
from .prepare import ROOT, SITE

CDN = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
CORE = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
PACKAGES = ("numpy", "matplotlib")


def _copy(app: Any, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for name in ("live", "explore", "atlas"):
        if (SITE / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "README.md", "node_modules")
            shutil.copytree(SITE / name, static / name, dirs_exist_ok=True, ignore=ignored)
    shutil.copy(ROOT / "benchmarks" / "results" / "atlas" / "summary.json", static / "atlas")
    files = static / "live" / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    wheel = build_wheel(files)
    lessons = {}
    for lesson in lesson_files():
        text = student_version(results.read_text(lesson.path))
        results.write_text(files / lesson.path.name, text)
        results.write_text(files / f"{lesson.path.stem}.ipynb", notebook(text))
        lessons[str(lesson.number)] = {
            "file": lesson.path.name, "title": lesson.title, "minutes": lesson.minutes,
            "page": f"lessons/{lesson.path.stem}.html",
        }  # fmt: skip
    pyodide = app.config.minires_pyodide or CDN
    if not re.match(r"https?://", pyodide):
        copy_pyodide(Path(pyodide), static / "live" / "pyodide")
        pyodide = "pyodide/"
    config = {"pyodide": pyodide, "wheel": wheel, "lessons": lessons}
    results.write_text(static / "live" / "config.json", json.dumps(config, indent=1))
    drawn = static / "figures"
    for place in app.minires_records.values():
        figures.copy(sorted((place / "figures").glob("*")), drawn)
    front = app.minires_figures["gradflow-56"].parent
    named = {f"{name}.svg": path for name, path in app.minires_figures.items()}
    named |= {f"{name}.svg": front / f"{name}.svg" for name in ("contrast", "contrast-narrow")}
    for name, path in (named | gallery.stored()).items():
        shutil.copy(path, drawn / name)


def build_wheel(target: Path) -> str:
    """Build the wheel of minires into a folder; return its name."""
    parts = [ROOT / "pyproject.toml", *(ROOT / "lessons").glob("*.py")]
    for package in ("minires", "kernels"):
        parts += [p for p in (ROOT / package).rglob("*") if p.is_file() and p.suffix != ".pyc"]
    kept = record.cache() / f"wheel-{record.digest(parts)}"
    if not list(kept.glob("*.whl")):
        done = subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", kept, ROOT],
            capture_output=True, encoding="utf-8",
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"the wheel of minires was not built:\n{done.stdout}{done.stderr}")
    (wheel,) = kept.glob("*.whl")
    shutil.copy(wheel, target)
    return wheel.name


def copy_pyodide(source: Path, target: Path) -> None:
    """Copy a Pyodide distribution: the interpreter, and the packages that minires needs."""
    lock = json.loads((source / "pyodide-lock.json").read_text(encoding="utf-8"))
    wanted, names = [], list(PACKAGES)
    while names:
        name = names.pop()
        if name not in wanted and name in lock["packages"]:
            wanted.append(name)
            names += lock["packages"][name]["depends"]
    lock["packages"] = {name: lock["packages"][name] for name in wanted}
    target.mkdir(parents=True, exist_ok=True)
    (target / "pyodide-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    core = [name for name in CORE if (source / name).exists()]
    for name in [*core, *(p["file_name"] for p in lock["packages"].values())]:
        shutil.copy(source / name, target / name)


def setup(app: Any) -> None:
    """Copy when the pages are written."""
    app.add_config_value("minires_pyodide", "", "")
    app.connect("build-finished", _copy)

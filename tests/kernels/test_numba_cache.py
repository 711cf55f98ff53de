"""The cache of compiled code: never stale, where the user wants it, and not needed to run."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import minires_kernels
from minires_kernels.cpu import jit

RELU = """
import numpy as np
from minires_kernels.cpu import jit, relu
assert relu.relu_forward_v1(np.array([-1.0, 2.0]))[0].tolist() == [0.0, 2.0]
print(jit.CACHE, sum(relu._forward.stats.cache_hits.values()))
"""


def run(code, cache, path=None):
    """Run `code` in a fresh interpreter with its own cache; return what it prints."""
    env = os.environ | {"MINIRES_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_an_edit_in_an_imported_module_is_seen(tmp_path):
    """Numba itself looks only at the file that holds the function."""
    package = tmp_path / "source" / "minires_kernels"
    shutil.copytree(
        Path(minires_kernels.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("__pycache__", ".*"),
    )
    (package / "cpu" / "scaled.py").write_text(
        "from .constant import SCALE\nfrom .jit import jit\n\n"
        "@jit\ndef scaled(x):\n    return SCALE * x\n"
    )
    code = (
        "import minires_kernels as m; from minires_kernels.cpu.scaled import scaled;"
        "print(m.__file__, scaled(3.0))"
    )
    printed = []
    for scale in ("2.0", "5.0"):
        (package / "cpu" / "constant.py").write_text(f"SCALE = {scale}\n")
        printed += run(code, tmp_path / "cache", package.parent)
    assert printed == [str(package / "__init__.py"), "6.0", str(package / "__init__.py"), "15.0"]
    assert len(list((tmp_path / "cache").glob("numba-*"))) == 2


def test_the_cache_is_where_the_user_wants_it_and_is_used(tmp_path):
    folder, hits = run(RELU, tmp_path)
    assert Path(folder).parent == tmp_path
    assert hits == "0"
    assert list(Path(folder).rglob("*.nbi"))
    assert run(RELU, tmp_path) == [folder, "1"]


def test_without_a_writable_folder_there_is_no_cache(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way")
    assert run(RELU, file) == ["None", "0"]


def test_folders_that_nobody_used_for_long_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRES_CACHE_DIR", str(tmp_path))
    ages_in_days = {"numba-old": 31, "numba-recent": 29, "datasets": 400}
    for name, days in ages_in_days.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").touch()
        then = time.time() - days * 24 * 3600
        os.utime(tmp_path / name, (then, then))
    own = jit._usable_cache()
    assert {p.name for p in tmp_path.iterdir()} == {own.name, "numba-recent", "datasets"}


@pytest.mark.parametrize("edit", ["change", "add", "rename"])
def test_the_hash_sees_every_kind_of_edit(tmp_path, edit):
    (tmp_path / "cpu").mkdir()
    source = tmp_path / "cpu" / "a.py"
    source.write_text("A = 1\n")
    before = jit.source_hash(tmp_path)
    assert jit.source_hash(tmp_path) == before
    if edit == "change":
        source.write_text("A = 2\n")
    elif edit == "add":
        (tmp_path / "b.py").touch()
    else:
        source.rename(tmp_path / "cpu" / "b.py")
    assert jit.source_hash(tmp_path) != before


def test_the_default_folder_follows_the_platform(monkeypatch, tmp_path):
    monkeypatch.delenv("MINIRES_CACHE_DIR", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jit.cache_root() == tmp_path / "minires"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert jit.cache_root() == Path.home() / ".cache" / "minires"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert jit.cache_root() == Path.home() / "Library" / "Caches" / "minires"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert jit.cache_root() == tmp_path / "minires"

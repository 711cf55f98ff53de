"""The cache of compiled code: never stale, where the user wants it, and not needed to run."""

import errno
import hashlib
import os
import pickle
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

import minires_kernels
from minires_kernels.cpu.machine import disk_cache

RELU = """
import numpy as np
from minires_kernels.cpu import relu
from minires_kernels.cpu.machine import jit
assert relu.relu_forward_v1(np.array([-1.0, 2.0]))[0].tolist() == [0.0, 2.0]
print(jit.CACHE, sum(relu._forward.launch.stats.cache_hits.values()))
"""


def run(code, cache, complaint="", **variables):
    """Run `code` in a fresh interpreter with its own cache; return what it prints."""
    env = os.environ | {"MINIRES_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=env | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert complaint in done.stderr
    assert done.stderr.count("\n") == (1 if complaint else 0)
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
        "from .constant import SCALE\nfrom .machine.jit import jit\n\n"
        "@jit\ndef scaled(x):\n    return SCALE * x\n",
        encoding="utf-8",
    )
    code = (
        "import minires_kernels as m; from minires_kernels.cpu.scaled import scaled;"
        "print(m.__file__, scaled(3.0))"
    )
    printed = []
    for scale in ("2.0", "5.0"):
        (package / "cpu" / "constant.py").write_text(f"SCALE = {scale}\n", encoding="utf-8")
        printed += run(code, tmp_path / "cache", PYTHONPATH=str(package.parent))
    assert printed == [str(package / "__init__.py"), "6.0", str(package / "__init__.py"), "15.0"]
    assert len(list((tmp_path / "cache").glob("numba-*"))) == 2


def test_the_cache_is_where_the_user_wants_it_and_is_used(tmp_path):
    folder, hits = run(RELU, tmp_path)
    assert Path(folder).parent == tmp_path
    assert hits == "0"
    assert list(Path(folder).glob("relu.*.nbc"))
    assert run(RELU, tmp_path) == [folder, "1"]


def test_without_a_folder_a_line_says_so_and_nothing_is_kept(tmp_path):
    file = tmp_path / "file"
    file.write_text("in the way", encoding="utf-8")
    assert run(RELU, file, "Not a directory") == ["None", "0"]


HARM = {
    "truncated": lambda data: data[:100],
    "empty": lambda data: b"",
    "another byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "foreign": lambda data: b"no cache file" * 99,
}


@pytest.fixture
def scaled(tmp_path):
    """A new dispatcher of one function each time it is called, with a cache of its own."""

    def double(x):
        return 2.0 * x

    def fresh():
        found = numba.njit(double)
        found._cache = disk_cache.DiskCache(double, tmp_path)
        return found

    return fresh


def hits(dispatcher):
    assert dispatcher(3.0) == 6.0
    return sum(dispatcher.stats.cache_hits.values())


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_file_is_found_and_compiled_anew(tmp_path, scaled, harm):
    assert [hits(scaled()), hits(scaled())] == [0, 1]
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(HARM[harm](whole))
    assert disk_cache.damaged(tmp_path) == [file]
    assert [hits(scaled()), hits(scaled())] == [0, 1]
    assert disk_cache.damaged(tmp_path) == []


def test_a_whole_file_that_cannot_be_loaded_is_compiled_anew(tmp_path, scaled):
    hits(scaled())
    (file,) = tmp_path.iterdir()
    data = pickle.dumps(("from", "another", "Numba"))
    file.write_bytes(hashlib.sha256(data).digest() + data)
    assert [hits(scaled()), hits(scaled())] == [0, 1]


def test_types_have_their_own_files(tmp_path, scaled):
    hits(scaled())
    f = scaled()
    assert f(3) == 6.0
    assert sum(f.stats.cache_hits.values()) == 0
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_is_full_costs_one_line(tmp_path, scaled, monkeypatch, capsys):
    def full(_path, _content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(disk_cache, "_write", full)
    monkeypatch.setattr(disk_cache, "complaint", "")
    assert [hits(scaled()), hits(scaled())] == [0, 0]
    assert capsys.readouterr().err.count("No space left on device") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(*_names):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        disk_cache._write(tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == []


def test_code_of_another_user_is_not_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIRES_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(disk_cache, "complaint", "")
    folder = disk_cache.cache_folder()
    if os.geteuid() == 0:
        os.chown(folder, 4711, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert disk_cache.cache_folder() is None
    assert "belongs to another user" in capsys.readouterr().err


def test_folders_that_nobody_used_for_long_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRES_CACHE_DIR", str(tmp_path))
    ages_in_days = {"numba-old": 31, "numba-recent": 29, "datasets": 400}
    for name, days in ages_in_days.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").touch()
        then = time.time() - days * 24 * 3600
        os.utime(tmp_path / name, (then, then))
    own = disk_cache.cache_folder()
    assert {p.name for p in tmp_path.iterdir()} == {own.name, "numba-recent", "datasets"}


@pytest.mark.parametrize("edit", ["change", "add", "rename"])
def test_the_hash_sees_every_kind_of_edit(tmp_path, edit):
    (tmp_path / "cpu").mkdir()
    source = tmp_path / "cpu" / "a.py"
    source.write_text("A = 1\n", encoding="utf-8")
    before = disk_cache.source_hash(tmp_path)
    assert disk_cache.source_hash(tmp_path) == before
    if edit == "change":
        source.write_text("A = 2\n", encoding="utf-8")
    elif edit == "add":
        (tmp_path / "b.py").touch()
    else:
        source.rename(tmp_path / "cpu" / "b.py")
    assert disk_cache.source_hash(tmp_path) != before


HOMES = {
    "linux": ({}, ".cache/minires"),
    "linux with XDG_CACHE_HOME": ({"XDG_CACHE_HOME": "/c"}, "/c/minires"),
    "linux with a relative XDG_CACHE_HOME": ({"XDG_CACHE_HOME": "c"}, ".cache/minires"),
    "darwin": ({}, "Library/Caches/minires"),
    "win32": ({"LOCALAPPDATA": "/l"}, "/l/minires"),
}


@pytest.mark.parametrize("where", HOMES)
def test_the_default_folder_follows_the_platform(monkeypatch, where):
    variables, expected = HOMES[where]
    for name in ("MINIRES_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables | {"HOME": "/home/x"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", where.split()[0])
    assert disk_cache.cache_root() == Path("/home/x") / expected


@pytest.mark.parametrize("home", [None, "relative"])
def test_without_a_home_there_is_no_folder(monkeypatch, home):
    for name in ("MINIRES_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("HOME", raising=False)
    if home is not None:
        monkeypatch.setenv("HOME", home)

    def unknown(_uid):
        raise KeyError("uid not found")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert disk_cache.cache_root() is None


def test_a_folder_named_relative_to_here_does_not_move(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIRES_CACHE_DIR", "kept")
    assert disk_cache.cache_root() == tmp_path / "kept"
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert disk_cache.cache_root() is None
    monkeypatch.chdir(tmp_path)

"""The cache of compiled CUDA C++, where it cannot be what it should."""

import errno
import os
import pwd

import pytest

from minires_emulator import cache

CONTENT = b"a shared object"


def make(work):
    (work / "out.so").write_bytes(CONTENT)
    return work / "out.so", {"arrays": []}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder that is taken where the proper one fails."""
    found = tmp_path / "temporary"
    found.mkdir()
    monkeypatch.setattr(cache, "_temporary_folder", lambda process: found)
    monkeypatch.setenv("MINIRES_CACHE_DIR", str(tmp_path / "cache"))
    return found


def test_an_entry_on_a_full_disk_lies_in_the_temporary_folder(temporary, tmp_path, monkeypatch):
    write = cache._write

    def full(path, content):
        if path.parent == tmp_path / "cache" / "emulator":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content)

    monkeypatch.setattr(cache, "_write", full)
    path, notes = cache.entry("key", make)
    assert path == temporary / "key.so"
    assert path.read_bytes().startswith(CONTENT)
    assert notes == {"arrays": []}


@pytest.mark.parametrize("step", ["make", "rename"])
def test_an_interrupt_leaves_nothing(temporary, tmp_path, monkeypatch, step):
    def interrupt(*_anything):
        raise KeyboardInterrupt

    monkeypatch.setattr(cache.tempfile, "tempdir", str(temporary))
    if step == "rename":
        monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        cache.entry("key", make if step == "rename" else interrupt)
    assert list((tmp_path / "cache" / "emulator").iterdir()) == list(temporary.iterdir()) == []


def test_code_of_another_user_is_not_loaded(temporary, monkeypatch):
    assert cache.folder() != temporary
    if os.geteuid() == 0:
        os.chown(cache.folder(), 4711, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert cache.folder() == temporary


def test_a_user_without_a_home_has_a_temporary_folder(temporary, monkeypatch):
    def unknown(_uid):
        raise KeyError("uid not found")

    for name in ("MINIRES_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert cache.folder() == temporary


def test_a_relative_home_makes_no_folder_here(temporary, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIRES_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "here")
    assert cache.folder() == temporary
    assert not (tmp_path / "here").exists()

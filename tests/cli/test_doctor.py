"""`minires doctor` says what is wrong, and exits 1 if there is something to mend."""

import importlib.metadata
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from minires import data
from minires.__main__ import main
from minires.cli import doctor
from minires_kernels import backends
from minires_kernels.cpu.machine import disk_cache, jit, threads

ROOT = Path(__file__).parents[2]


@pytest.fixture
def examined(capsys, monkeypatch):
    """Run `doctor --json`; return the findings and what is to mend."""

    def run():
        code = main(["doctor", "--json"])
        findings = json.loads(capsys.readouterr().out)
        assert code == (1 if findings["to mend"] else 0)
        return findings

    for name in [n for n in os.environ if n.startswith("MINIRES_") and n != "MINIRES_CACHE_DIR"]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(doctor, "_backend", lambda name: "ok")  # its own tests are below
    return run


def test_all_is_well(examined, capsys):
    assert examined()["to mend"] == []
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("nothing to mend\n")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MINIRES_BACKEND", "gpu", "expected one of reference, cpu"),
        ("MINIRES_BACKEND", "", "expected one of reference, cpu"),
        ("MINIRES_NUM_THREADS", "0", "expected a positive integer"),
        ("MINIRES_NUM_THREADS", "9" * 5000, "expected a positive integer"),
        ("MINIRES_FAST", "yes", "expected 1 or 0"),
        ("MINIRES_CHECK", "2", "expected 1 or 0"),
        ("MINIRES_EXERCISE_SECONDS", "nan", "expected a positive number"),
        ("MINIRES_EMULATOR_LIMIT", "-1", "must be seconds"),
        ("MINIRES_CXX", 'g++ "', "No closing quotation"),
        ("MINIRES_TREADS", "2", "there are MINIRES_BACKEND, MINIRES_NUM_THREADS"),
    ],
)
def test_a_wrong_setting_is_named(examined, monkeypatch, name, value, says):
    monkeypatch.setenv(name, value)
    at_the_start = type(backends.use_backend._start)(None, None)
    monkeypatch.setattr(backends.use_backend, "_start", at_the_start)
    monkeypatch.setattr(backends.use_backend, "_for_good", [at_the_start])
    monkeypatch.setattr(threads, "_threads", None)
    findings = examined()
    assert f"settings, {name}" in findings["to mend"]
    assert says in findings["settings"][name]


def test_every_variable_that_the_sources_read_is_known():
    named = set()
    for folder in ("minires", "kernels", "benchmarks", "lessons"):
        for path in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r"MINIRES_[A-Z_]*[A-Z]", path.read_text("utf-8")))
    assert named <= set(doctor._readers())


def test_damaged_files_are_counted_and_no_trouble(examined, tmp_path, monkeypatch):
    monkeypatch.setattr(jit, "CACHE", tmp_path)
    (tmp_path / "relu._forward-1.nbc").write_bytes(b"truncated")
    findings = examined()
    assert "1 files, 0.0 MB, 1 of them damaged" in findings["caches"]["kernels"]
    assert findings["to mend"] == []


def test_a_cache_that_takes_nothing_is_trouble(examined, tmp_path, monkeypatch):
    monkeypatch.setattr(jit, "CACHE", tmp_path / "gone")
    findings = examined()
    assert "No such file or directory; each start compiles" in findings["caches"]["kernels"]
    monkeypatch.setattr(jit, "CACHE", None)
    monkeypatch.setattr(disk_cache, "complaint", "there is no home folder")
    assert "there is no home folder" in examined()["caches"]["kernels"]
    assert "caches, kernels" in examined()["to mend"]


def test_no_folder_for_temporary_files_is_trouble(examined, monkeypatch):
    def none():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    assert "caches, temporary" in examined()["to mend"]


def test_a_missing_package_is_trouble_unless_it_is_optional(examined, monkeypatch):
    version = importlib.metadata.version

    def without(name):
        if name in ("tqdm", "torch"):
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without)
    assert examined()["to mend"] == ["versions, tqdm"]


def test_data_sets_are_found_and_a_wrong_variable_is_trouble(examined, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRES_DATA", str(tmp_path))
    (tmp_path / "cifar-100-binary").mkdir()
    (tmp_path / "cifar-100-binary" / "test.bin").write_bytes(b"")
    findings = examined()
    assert findings["to mend"] == []
    assert "minires data get cifar10" in findings["data"]["cifar10"]
    assert findings["data"]["cifar100"] == str(tmp_path / "cifar-100-binary")
    monkeypatch.setenv("MINIRES_DATA", str(tmp_path / "none"))
    assert examined()["to mend"] == ["settings, MINIRES_DATA"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", "truncated", "other arrays"])
def test_damaged_data_is_trouble(examined, tmp_path, monkeypatch, content):
    if content == "truncated":
        content = (Path(data.__file__).parent / "digits.npz").read_bytes()[:-30_000]
    if content == "other arrays":
        np.savez(tmp_path / "digits.npz", images=np.zeros((3, 8, 8)))
    else:
        (tmp_path / "digits.npz").write_bytes(content)
    monkeypatch.setattr(sys.modules["minires.data.digits"].resources, "files", lambda _: tmp_path)
    findings = examined()
    assert findings["to mend"] == ["data, digits"]
    assert "install minires again" in findings["data"]["digits"]


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_a_backend_that_fails_or_errs_is_trouble(monkeypatch, backend):
    assert doctor._backend(backend) == "ok"
    (version,) = backends.load(backend).KERNELS["relu"]

    def wrong(x):
        return (x, x)

    def fail(x):
        raise RuntimeError("no such instruction")

    for forward, says in [(wrong, "wrong result"), (fail, "RuntimeError: no such instruction")]:
        broken = type(version)(1, "", forward, version.backward)
        monkeypatch.setitem(backends.load(backend).KERNELS, "relu", (broken,))
        monkeypatch.setattr(backends, "_cache", {})
        found = doctor._backend(backend)
        assert isinstance(found, doctor.Trouble)
        assert says in found

"""Results: tables and CSV by hand, and files that are whole or not there."""

import csv
import importlib.metadata
import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minires import lessons, results


def test_tables_align_and_show_what_is_missing():
    text = results.table([{"name": "a", "ms": 1.5}, {"name": "longer", "x": 12345.6}])
    assert text.splitlines() == [
        "name      ms      x",
        "a       1.50      -",
        "longer     -  12346",
    ]
    assert results.number(0.0) == "0.000"
    assert results.number(3e-7) == "3e-07"
    assert [results.number(x) for x in (1.234, 12.34, 123.4, 1234.5, 0.01234)] == [
        "1.23", "12.3", "123", "1234", "0.012"
    ]  # fmt: skip
    assert results.number(np.float32(0.1)) == results.number(np.float64(0.1)) == "0.100"
    assert results.number(np.float32("inf")) == "inf"
    assert results.table([{"net": 8, "note": "of text"}]).splitlines() == [
        "net  note",
        "8    of text",
    ]
    assert results.table([], ["net", "x"]) == "net  x"


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from("abc"),
            st.none() | st.floats() | st.text().filter(lambda t: "\r" not in t),
        ),
        max_size=4,
    )
)
def test_csv_reads_back(rows):
    found = list(csv.DictReader(io.StringIO(results.to_csv(rows, ["z"]), newline="")))
    columns = list(dict.fromkeys(["z", *(k for row in rows for k in row)]))
    assert len(found) == len(rows)
    for row, read in zip(rows, found, strict=True):
        assert list(read) == columns
        for name in columns:
            value = row.get(name)
            assert read[name] == ("" if value is None else str(value))


def test_json_has_no_nan_and_takes_numpys_numbers():
    text = results.to_json({1: [np.float32(0.5), np.nan, np.inf], "y": np.arange(2), "ü": "∂"})
    assert json.loads(text) == {"1": [0.5, None, None], "y": [0, 1], "ü": "∂"}
    assert "∂" in text


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    (tmp_path / "a").write_text("old", encoding="utf-8")
    (tmp_path / "b").mkdir()
    with pytest.raises(OSError, match="b"):
        results.write_all({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_a_full_disk_leaves_the_old_file_and_is_found_before_the_work(tmp_path):
    (tmp_path / "a").write_text("old", encoding="utf-8")
    code = (  # a limit on the size of files stands for a disk that is full
        "import resource, signal, sys; from minires import results\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "for write in (results.write_bytes, 'a', bytes(2000)), (results.folder, '.'):\n"
        "    try: write[0](*write[1:])\n"
        "    except OSError as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert "cannot write a: File too large" in done.stdout, done.stderr
    assert "cannot write results to .: File too large; name another folder" in done.stdout
    assert (tmp_path / "a").read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_links_are_followed_and_devices_kept(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "far")
    results.write_text(tmp_path / "link", "ü")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far").read_bytes() == "ü".encode()
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    results.write_bytes(tmp_path / "pipe", b"through")
    assert os.read(reader, 10) == b"through"
    os.close(reader)


@pytest.mark.parametrize(("umask", "mode"), [(0o027, 0o640), (0o777, 0o600)])
def test_new_files_have_the_usual_permissions_and_can_be_read(umask, mode, tmp_path):
    before = os.umask(umask)
    try:
        results.write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "private"
    path.write_text("old", encoding="utf-8")
    for mode in (0o600, 0o664, 0o444):
        path.chmod(mode)
        results.write_text(path, f"new {mode}")
        assert path.stat().st_mode & 0o7777 == mode
        assert path.read_text(encoding="utf-8") == f"new {mode}"


def test_a_rename_that_fails_names_the_file_and_leaves_no_other(tmp_path, monkeypatch):
    def refuse(_source, target):
        raise OSError(16, "Device or resource busy", str(target))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match=r"cannot write .*one: Device or resource busy") as caught:
        results.write_text(tmp_path / "one", "x")
    assert caught.value.errno == 16
    assert list(tmp_path.iterdir()) == []


def test_mean_and_deviation():
    assert results.spread([1.0, 2.0, 3.0]) == "2.0000 ± 1.0000"
    assert results.spread([1.0, None, 3.0], "{:.1f} %") == "2.0 % ± 1.4 %"
    assert results.spread([1.5]) == "1.5000"
    assert results.spread([None]) == results.spread([]) == "-"
    assert lessons.spread is results.spread


def test_versions_are_told_without_importing_the_packages():
    code = "import sys\nfrom minires import results\nprint(results.versions()['numba'])\n"
    code += "assert 'numba' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == importlib.metadata.version("numba")


def test_a_folder_is_made_and_what_cannot_be_one_is_named(tmp_path):
    assert results.folder(tmp_path / "new" / "one").is_dir()
    assert list((tmp_path / "new" / "one").iterdir()) == []
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=f"{tmp_path / 'file'} is a file; name another folder"):
            results.folder(path)
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(OSError, match="Permission denied; name another folder"):
        results.folder(tmp_path)


def test_a_run_removes_what_an_earlier_run_of_its_kind_left_and_nothing_else(tmp_path):
    results.save_run(tmp_path, "flow", {"old.csv": "1", "both.csv": "1"}, {})
    (tmp_path / "mine.csv").write_text("mine", encoding="utf-8")
    results.save_run(tmp_path, "flow", {"both.csv": "2"}, {"x": 3})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["both.csv", "mine.csv", "run.json"]
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert document == {"experiment": "flow", "files": ["both.csv", "run.json"], "x": 3}
    results.save_run(tmp_path, "training", {"curves.csv": "1"}, {})
    assert (tmp_path / "both.csv").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"experiment": "flow", "files": ["../mine.csv", 3]}'])
def test_a_run_json_that_is_not_ours_removes_nothing(tmp_path, text):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "mine.csv").write_text("mine", encoding="utf-8")
    (out / "run.json").write_text(text, encoding="utf-8")
    results.save_run(out, "flow", {"new.csv": "1"}, {})
    assert (tmp_path / "mine.csv").exists()


def test_a_name_that_is_no_text_is_written_escaped(tmp_path):
    results.write_text(tmp_path / "a.json", results.to_json({"out": "caf\udce9"}))
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"out": "caf\udce9"}

"""The store: a run is there once, whole and unchanged, or it counts as missing."""

import dataclasses
import errno
import json
import math
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minires.store import TASKS, Job, Result, Store, store, stored
from minires.store.objects import newest

TINY = {"depth": 2, "width": 8, "skip": "identity", "batch_size": 8}
SPECIAL = Result(
    rows=[{"name": "", "stream": True, "index": 1, "dx_norm": math.nan, "dead_relu": None},
          {"name": "7", "stream": False, "index": 2, "dx_norm": -math.inf, "dead_relu": 0.1 + 0.2}],
    summary={"loss": math.nan, "decades_lost": math.inf, "diverged": True, "text": "ü"},
    arrays={"a": np.arange(6, dtype=np.float32).reshape(2, 3)},
)  # fmt: skip


@pytest.fixture
def job():
    return Job.of("gradflow", **TINY)


@pytest.fixture
def there(tmp_path):
    return Store(tmp_path / "store")


def forbid(monkeypatch):
    def work(*_arguments):
        raise AssertionError("computed again")

    monkeypatch.setattr(Job, "compute", work)


# ---- what is put is what is found ---------------------------------------------------------------
@pytest.mark.parametrize("task", TASKS)
def test_what_is_found_is_what_was_computed(task, there, monkeypatch):
    extra = {"degradation": {"epochs": 1, "batch_size": 512}, "train": {"iterations": 3}}
    job = Job.of(task, seed=2, **TINY | extra.get(task, {}))
    computed = job.compute()
    assert there.find(job) is None
    assert there.runs() == []
    there.compute(job)
    forbid(monkeypatch)
    found = there.compute(job)
    assert (found.rows(), found.blocks(), found.curve()) == (
        computed.rows,
        computed.blocks,
        computed.curve,
    )
    assert found.summary == computed.summary
    assert (found.task, found.seed, found.setting) == (task, 2, job.setting)
    assert [r.key for r in there.runs()] == [job.key()]
    assert there.damaged == {}


def test_numbers_that_are_not_finite_text_and_arrays_come_back(there, job):
    found = there.put(job, SPECIAL, 0.5)
    assert repr(found.rows()) == repr(SPECIAL.rows)
    assert repr(found.summary) == repr(SPECIAL.summary)
    np.testing.assert_array_equal(found.arrays()["a"], SPECIAL.arrays["a"], strict=True)
    assert found.seconds == 0.5
    json.loads(
        (found.path / "run.json").read_text(encoding="utf-8"),
        parse_constant=lambda text: pytest.fail(f"{text} is no JSON"),
    )


def test_a_table_with_values_of_two_kinds_is_refused(there, job):
    with pytest.raises(TypeError, match="column a: a text and a number"):
        there.put(job, Result(rows=[{"a": "x"}, {"a": 1.0}]), 1)
    assert there.runs() == []
    assert there.unfinished(older=0) == []


# ---- keys ---------------------------------------------------------------------------------------
def test_a_key_depends_on_what_is_asked_and_not_on_how(monkeypatch, job):
    numbers = {k: np.int64(v) for k, v in TINY.items() if isinstance(v, int)}
    same = Job.of(
        "gradflow", skip="identity", steps=(0,), lr=np.float64(0.01), branch_scale=1, **numbers
    )
    assert (same.key(), same) == (job.key(), job)
    keys = {job.key()}
    for task, change in (
        ("gradflow", {"seed": 1}),
        ("gradflow", {"lr": 0.02}),
        ("gradflow", {"data": "synthetic"}),
        ("gradflow", {"backend": "reference"}),
        ("gradflow", {"shortcut": "scale:0.5"}),
        ("gradflow", {"order": "preact"}),
        ("train", {}),
        ("train", {"iterations": 7}),
        ("train", {"momentum": 0.5}),
        ("train", {"warmup": 5}),
        ("train", {"optimizer": "adam"}),
        ("train", {"records": [0, 5]}),
        ("degradation", {}),
    ):
        keys.add(Job.of(task, **TINY | change).key())
    for what in ("code", "data"):
        with monkeypatch.context() as patch:
            patch.setattr(f"minires.store.version.{what}", lambda *_: "other")
            keys.add(job.key())
    assert len(keys) == 16


@pytest.mark.parametrize(
    ("task", "given", "error", "said"),
    [
        ("flow", {}, ValueError, "expected one of gradflow, degradation, train, got 'flow'"),
        ("train", {"dpeth": 2}, ValueError, "no field 'dpeth'; did you mean depth?"),
        ("train", {"depth": 2.5}, TypeError, "expected an integer, got 2.5"),
        ("train", {"depth": "2"}, TypeError, "expected an integer, got '2'"),
        ("train", {"depth": 3, "skip": "identity"}, ValueError, "so 3 cannot be odd"),
        ("train", {"skip": "nil"}, ValueError, "expected one of none, identity, preact"),
        ("train", {"skip": ["none"]}, TypeError, "skip: expected a name"),
        ("train", {"lr": math.nan}, ValueError, "lr: expected a finite number"),
        ("train", {"lr": 0}, ValueError, "lr: expected a positive number"),
        ("train", {"records": [200]}, ValueError, "expected steps from 0 to 199"),
        ("train", {"optimizer": "adam", "momentum": 0.5}, ValueError, "is of sgd, not of adam"),
        ("train", {"batch_size": 1501}, ValueError, "expected 4 to 1500, got 1501"),
        ("train", {"milestones": [2]}, ValueError, "fractions of the training"),
        ("train", {"dtype": "float16"}, ValueError, "expected one of float32, float64"),
        ("train", {"backend": "gpu"}, ValueError, "backend: expected one of"),
        ("degradation", {"data": "synthetic"}, ValueError, "is on digits"),
        ("gradflow", {"seed": -1}, ValueError, "seed: expected at least 0"),
        ("gradflow", {"steps": 5}, TypeError, "steps: expected a list of steps"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_offered_is_refused_before_the_work(task, given, error, said):
    with pytest.raises(error, match=said):
        Job.of(task, **given)


# ---- the same bits ------------------------------------------------------------------------------
def test_bits_do_not_depend_on_what_ran_before(tmp_path):
    jobs = [Job.of("train", iterations=4, seed=s, records=[0, 2], **TINY) for s in range(3)]
    orders = [jobs, jobs[::-1]]
    first, second = (
        {j.key(): Store(tmp_path / str(i)).compute(j).digest() for j in order}
        for i, order in enumerate(orders)
    )
    assert first == second
    assert len(set(first.values())) == 3


def test_bits_do_not_depend_on_the_threads_of_blas():
    threadpoolctl = pytest.importorskip("threadpoolctl", reason="sets the threads of BLAS")
    wide = {"depth": 2, "width": 256, "batch_size": 1000}  # enough for several threads
    found = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads, user_api="blas"):
            found.append(Job.of("gradflow", **wide).compute())
    assert found[0] == found[1]


def test_a_first_record_is_what_gradflow_measures(there):
    net = TINY | {"norm": "bn", "batch_size": 128, "seed": 4}
    measured = there.compute(Job.of("gradflow", **net)).rows()
    trained = there.compute(Job.of("train", iterations=2, weight_decay=0, **net)).rows()
    assert trained == measured


# ---- damage -------------------------------------------------------------------------------------
def truncated(path):
    path.write_bytes(path.read_bytes()[:-3])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def emptied(path):
    path.write_bytes(b"")


def missing(path):
    path.unlink()


def a_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", [*stored.NAMES, "DONE"])
@pytest.mark.parametrize("damage", [truncated, flipped, emptied, missing, a_folder])
def test_damage_is_seen_and_the_run_is_computed_again(damage, name, there, job):
    job = Job.of("gradflow", **TINY)
    computed = job.compute()
    computed.arrays = SPECIAL.arrays
    there.put(job, computed, 1.0)
    before = there.find(job).digest()
    damage(there.runs_path / job.key() / name)
    assert there.find(job) is None
    assert job.key() in there.damaged[job.key()]
    assert there.runs() == []
    there.put(job, computed, 1.0)
    assert there.find(job).digest() == before
    assert there.damaged == {}
    assert os.listdir(there.runs_path) == [job.key()]


def test_a_run_that_is_damaged_while_it_is_looked_at_is_not_read(there, job):
    found = there.compute(job)
    flipped(found.path / "rows.csv")
    with pytest.raises(stored.Damaged, match=r"rows\.csv has been changed or damaged"):
        found.rows()


@pytest.mark.parametrize("what", ["an empty folder", "a file", "another run", "a link to nothing"])
def test_a_folder_that_is_no_run_of_its_name_is_replaced(what, there, job):
    other = there.compute(Job.of("gradflow", **TINY, seed=1))
    place = there.runs_path / job.key()
    if what == "an empty folder":
        place.mkdir()
    elif what == "a file":
        place.write_text("mine", encoding="utf-8")
    elif what == "another run":
        shutil.copytree(other.path, place)
    else:
        place.symlink_to("nowhere")
    assert there.find(job) is None
    assert there.compute(job).setting == job.setting
    assert len(there.runs()) == 2


def edited(run, name, change):
    """Change a file of a run, with a checksum that fits."""
    data = change((run.path / name).read_bytes())
    (run.path / name).write_bytes(data)
    done = json.loads((run.path / "DONE").read_text(encoding="utf-8"))
    done[name] = stored.checksum(data)
    (run.path / "DONE").write_text(json.dumps(done), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("rows.csv", "True", "Yes"),
        ("rows.csv", "\n", "\n1,2\n"),
        ("rows.csv", "dx_norm", "dx"),
        ("rows.csv", "step", "\udcff"),
        ("run.json", '"stream": "flag"', '"stream": "code"'),
        ("run.json", '"rows": {', '"other": {'),
    ],
)
def test_a_table_edited_with_a_fitting_checksum_is_damaged(name, old, new, there, job):
    run = there.compute(job)
    new = new.encode(errors="surrogateescape")
    edited(run, name, lambda data: data.replace(old.encode(), new, 1))
    with pytest.raises(stored.Damaged, match=r"rows\.csv"):
        there.find(job).rows()


@pytest.mark.parametrize(
    "document",
    [
        "[]",
        "{}",
        "null",
        pytest.param("[" * 9999, id="deep"),
        '{"task": 1}',
        '{"format": 2}',
        pytest.param("\udcff", id="no text"),
    ],
)
def test_a_document_of_another_kind_is_damaged(document, there, job):
    run = there.compute(job)
    edited(run, "run.json", lambda _: document.encode(errors="surrogateescape"))
    assert there.find(job) is None
    assert there.runs() == []


def test_no_path_in_a_file_is_followed_and_nothing_is_unpickled(there, job, tmp_path):
    run = there.compute(job)
    done = run.path / "DONE"
    names = json.loads(done.read_text(encoding="utf-8"))
    done.write_text(json.dumps(names | {SECRET: stored.checksum(b"s")}), encoding="utf-8")
    (tmp_path / "secret").write_bytes(b"s")
    assert (run.path / SECRET).read_bytes() == b"s"
    assert there.find(job) is None
    there.put(job, Result(arrays={"a": np.zeros(1)}), 1)
    np.savez(tmp_path / "evil.npz", a=np.array([Evil()], dtype=object))
    run = there.find(job)
    edited(run, "arrays.npz", lambda _: (tmp_path / "evil.npz").read_bytes())
    with pytest.raises(stored.Damaged, match=r"arrays\.npz"):
        there.find(job).arrays()


SECRET = "../../../secret"


class Evil:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_a_run_that_is_there_stays_whoever_comes_later(there, job):
    first = there.put(job, SPECIAL, 1.0)
    later = there.put(job, SPECIAL, 2.0)
    assert (later, later.seconds) == (first, 1.0)


def test_of_two_codes_the_one_in_use_counts_else_the_latest(there, job, monkeypatch):
    codes = {"b": 1.0, "c": 2.0}
    for code, seconds in codes.items():
        with monkeypatch.context() as patch:
            patch.setattr("minires.store.version.code", lambda *_, code=code: code)
            there.put(job, SPECIAL, seconds)
    runs = [dataclasses.replace(r, made={**r.made, "when": r.seconds}) for r in there.runs()]
    assert [r.code for r in newest(runs)] == ["c"]
    monkeypatch.setattr("minires.store.version.code", lambda *_: "b")
    assert [r.code for r in newest(runs)] == ["b"]


# ---- what goes wrong with the disk --------------------------------------------------------------
def test_a_store_that_is_a_file_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for path in ("file", "file/below"):
        with pytest.raises(NotADirectoryError, match="file is a file, and a store of runs is a"):
            Store(tmp_path / path)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()], ids=["full", "Ctrl-C"]
)
def test_a_write_that_fails_at_any_moment_leaves_all_as_it_was(error, there, job, monkeypatch):
    other = there.compute(Job.of("gradflow", **TINY, seed=1))
    computed = job.compute()
    steps = [(Path, "write_bytes", i) for i in range(5)] + [(os, "rename", 0), (Path, "mkdir", 1)]
    for where, name, at in steps:
        real, calls = getattr(where, name), []

        def failing(*arguments, real=real, calls=calls, at=at, **options):
            calls.append(1)
            if len(calls) > at:
                raise error
            return real(*arguments, **options)

        with monkeypatch.context() as patch, pytest.raises(type(error)) as told:
            patch.setattr(where, name, failing)
            there.put(job, computed, 1)
        assert os.listdir(there.runs_path) == [other.key]
        if isinstance(error, OSError):
            assert "the disk is full" in str(told.value)
            assert told.value.errno == errno.ENOSPC
    assert there.find(job) is None


def test_what_a_killed_process_left_is_found_by_its_age(there, job):
    there.compute(job)
    left = there.runs_path / store._temporary("minires")
    left.mkdir()
    assert there.unfinished() == []
    old = time.time() - 3600
    os.utime(left, (old, old))
    assert there.unfinished() == [left]
    there.remove(left.name)
    assert os.listdir(there.runs_path) == [job.key()]
    with pytest.raises(ValueError, match="is no name of a run"):
        there.remove("../../mine")


# ---- several processes --------------------------------------------------------------------------
FILL = """
import sys, time
from minires.store import Job, Store
store = Store(sys.argv[1])
jobs = [Job.of("train", depth=2, width=8, batch_size=64, iterations=20, seed=s) for s in range(8)]
print("ready", flush=True)
sys.stdin.readline()
for job in jobs:
    print(store.compute(job).digest(), flush=True)
"""


def start(path):
    return subprocess.Popen(
        [sys.executable, "-c", FILL, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )


def go(process):
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
def test_processes_that_race_for_the_same_runs_agree(there):
    racing = [start(there.path) for _ in range(3)]
    for process in racing:
        go(process)
    said = [process.communicate(timeout=100)[0].split() for process in racing]
    assert len(said[0]) == 8
    assert said[0] == said[1] == said[2]
    assert len(there.runs()) == 8
    assert there.damaged == {}
    assert there.unfinished(older=0) == []


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_that_is_finished(there, tmp_path):
    rng = np.random.default_rng()
    done = 0
    for _ in range(6):
        process = start(there.path)
        go(process)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.communicate()
        runs = there.runs()
        assert there.damaged == {}
        assert len(runs) >= done
        done = len(runs)
    for path in (there.path, tmp_path / "undisturbed"):
        process = start(path)
        go(process)
        process.communicate(timeout=100)
    digests = [{r.key: r.digest() for r in Store(p).runs()} for p in (there.path, path)]
    assert len(digests[0]) == 8
    assert digests[0] == digests[1]

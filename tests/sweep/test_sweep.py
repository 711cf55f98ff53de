"""Running sweeps: every run is there in the end, once, whatever happens to those who compute it."""

import concurrent.futures
import json
import os
import signal
import sys
import threading

import pytest

from minires import sweep
from minires.__main__ import main
from minires.store import Job, Store, claims
from minires.sweep import engine, estimates, worker
from minires.sweep.cost import Cost

DESIGN = ("gradflow", "depth=4,6", "norm=none,bn", "width=8")


def call(*arguments):
    try:
        return main(("sweep", *arguments))
    except SystemExit as stop:  # argparse
        return stop.code


def jobs(seeds=2, **setting):
    given = {"depth": [4, 6], "width": [8], "norm": ["none", "bn"], **setting}
    return sweep.plan({"task": "gradflow", "setting": given, "seeds": seeds}).jobs().jobs


def digests(path):
    return {run.key: run.digest() for run in Store(path).runs()}


def seeds_of(path):
    return sorted(run.seed for run in Store(path).runs())


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    path = tmp_path_factory.mktemp("serial")
    report = sweep.run(jobs(), path)
    assert (report.found, report.computed, report.complete) == (0, 8, True)
    return digests(path)


def disturb(monkeypatch, change):
    """Let `change(job)` happen before a run is computed."""
    compute = Store.compute

    def disturbed(self, job):
        change(job)
        return compute(self, job)

    monkeypatch.setattr(Store, "compute", disturbed)


# ---- the command --------------------------------------------------------------------------------
def test_a_sweep_computes_what_is_missing_and_only_that(tmp_path, capsys, monkeypatch):
    store = ("--store", str(tmp_path), "--jobs", "1")
    assert call(*DESIGN, *store) == 0
    said = capsys.readouterr().out
    assert "gradflow, grid: 4 combinations × 1 seed; 4 runs" in said
    assert "4 runs: 0 were there, 4 computed" in said
    table = [line.split()[:3] for line in said.splitlines()]
    assert ["norm", "bn", "2"] in table
    assert f"minires runs list --store {tmp_path}" in said
    before = digests(tmp_path)
    computed = []
    disturb(monkeypatch, computed.append)
    assert call(*DESIGN, *store, "--seeds", "2") == 0
    assert [job.seed for job in computed] == [1] * 4
    assert digests(tmp_path).items() >= before.items()
    assert call(*DESIGN, *store) == 0
    assert len(computed) == 4
    assert "4 runs: 4 were there, 0 computed" in capsys.readouterr().out


def test_a_failed_run_is_told_tried_again_and_not_fatal(tmp_path, capsys, monkeypatch):
    tried = []

    def fail(job):
        tried.append(job)
        if job.setting["depth"] == 6 and job.setting["norm"] == "bn":
            raise RuntimeError("no such luck")

    with monkeypatch.context() as patch:
        disturb(patch, fail)
        assert call(*DESIGN, "--store", str(tmp_path), "--jobs", "1", "--retries", "2") == 1
    said = capsys.readouterr()
    assert len(tried) == 3 + 3
    assert len(digests(tmp_path)) == 3
    assert "3 computed, 1 failed" in said.out
    assert "depth=6 norm=bn width=8 seed=0): RuntimeError: no such luck" in said.out
    assert "minires: 1 run failed. To try them again: minires " in said.err
    (failed,) = json.loads((tmp_path / "failed.json").read_text(encoding="utf-8"))["failed"]
    assert failed["setting"]["depth"] == 6
    assert "in fail\n" in failed["details"]  # the traceback
    assert call(*DESIGN, "--store", str(tmp_path), "--jobs", "1") == 0
    assert len(digests(tmp_path)) == 4
    assert not (tmp_path / "failed.json").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_keeps_what_is_done_and_the_run_in_hand(
    number, code, tmp_path, capsys, monkeypatch
):
    computed = []

    def stop(job):
        computed.append(job)
        if len(computed) == 2:
            os.kill(os.getpid(), number)

    arguments = (*DESIGN, "--store", str(tmp_path), "--jobs", "1")
    monkeypatch.setattr("sys.argv", ["minires", "sweep", *arguments])
    with monkeypatch.context() as patch:
        disturb(patch, stop)
        assert call(*arguments) == code
    said = capsys.readouterr()
    assert len(digests(tmp_path)) == 2
    assert "2 computed, 2 not begun" in said.out
    assert f"To go on: minires sweep {' '.join(arguments)}\n" in said.err
    assert call(*arguments) == 0
    assert len(digests(tmp_path)) == 4


def test_a_second_ctrl_c_stops_at_once(tmp_path, capsys, monkeypatch):
    def stop(job):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("went on")

    disturb(monkeypatch, stop)
    assert call(*DESIGN, "--store", str(tmp_path), "--jobs", "1") == 130
    assert "stopped; finished runs are kept" in capsys.readouterr().err


def test_when_the_minutes_are_over_no_run_is_begun(tmp_path, capsys):
    arguments = (*DESIGN, "--store", str(tmp_path), "--jobs", "1")
    assert call(*arguments, "--minutes", "1e-9") == 3
    said = capsys.readouterr()
    assert "4 not begun" in said.out
    assert "the minutes are over. To go on: minires " in said.err
    assert call(*arguments, "--minutes", "60") == 0


def test_a_dry_run_counts_and_estimates_and_writes_nothing(tmp_path, capsys, monkeypatch):
    store = tmp_path / "new"
    arguments = (*DESIGN, "--store", str(store), "--jobs", "1")
    assert call(*arguments, "--dry-run") == 0
    said = capsys.readouterr().out
    assert f"0 runs are in {store}, 4 are missing" in said
    assert "(by 2 runs that were computed for it, and not kept)" in said
    assert not store.exists()
    assert call(*arguments) == 0
    capsys.readouterr()
    monkeypatch.setattr(estimates.Estimates, "probe", None)  # not needed
    assert call(*arguments, "--seeds", "2", "--dry-run") == 0
    said = capsys.readouterr().out
    assert "4 runs are in" in said
    assert "(by 4 runs of the store)" in said
    assert len(digests(store)) == 4
    next(store.glob("runs/*/rows.csv")).write_bytes(b"")
    assert call(*arguments, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "3 runs are in" in said
    assert "1 are missing (1 of them damaged: they are computed again)" in said
    assert call(*arguments) == 0
    assert "3 were there (1 others were damaged), 1 computed" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_named_without_numbers_of_errors(tmp_path, capsys):
    missing = tmp_path / "none.toml"
    assert call(str(missing), "--dry-run") == 2
    assert f"error: {missing}: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no.toml",), "no.toml"),
        (("gradfloww",), "task: expected one of gradflow, degradation, train, got 'gradfloww'"),
        (("gradflow", "dept=4"), "dept: not a field of gradflow; did you mean depth?"),
        (("gradflow", "depth=5", "skip=identity"), "residual blocks have two layers"),
        (("gradflow", "depth"), "expected FIELD=VALUES"),
        (("gradflow", "--seeds", "x"), "expected how many, or seeds"),
        (("gradflow", "--design", "latin"), "samples: missing"),
        (("gradflow", "--store", __file__), "is a file"),
        (("gradflow", "--jobs", "2", "--scheduler", "x"), "not allowed with"),
    ],
)
def test_wrong_calls_are_told_before_any_work(arguments, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    disturb(monkeypatch, lambda job: pytest.fail("worked"))
    assert call(*arguments) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


# ---- executors ----------------------------------------------------------------------------------
class Polled:
    """An executor as submitit has it: its futures cannot call back."""

    class Future:
        def __init__(self, function, order):
            self.result = lambda: function(order)

        def done(self):
            return True

    def submit(self, function, order):
        return self.Future(function, order)


def test_executors_of_others_compute_the_same_bits(tmp_path, serial):
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        assert sweep.run(jobs(), tmp_path / "threads", executor=threads).complete
    assert sweep.run(jobs(), tmp_path / "polled", executor=Polled()).complete
    assert digests(tmp_path / "threads") == digests(tmp_path / "polled") == serial
    with pytest.raises(TypeError, match="expected an object with a method submit"):
        sweep.run(jobs(), tmp_path, executor=3)


def test_a_run_that_kills_its_workers_fails_alone(tmp_path, serial):
    class Dying(concurrent.futures.Executor):
        _max_workers = 2

        def __init__(self):
            self.held = []

        def submit(self, function, order):
            future = concurrent.futures.Future()
            self.held.append((future, function, order))
            return future

        def answer(self):
            dies = any(o.job.setting["depth"] == 6 and o.job.seed for _, _, o in self.held)
            for future, function, order in self.held:
                if dies:
                    future.set_exception(concurrent.futures.BrokenExecutor("terminated"))
                else:
                    future.set_result(function(order))
            self.held = []

    class Watch(sweep.Watch):
        def begin(self, engine):
            wait = engine.pool.wait

            def answered(futures, seconds):
                executor.answer()
                return wait(futures, seconds)

            engine.pool.wait = answered

    executor = Dying()
    report = sweep.run(jobs(), tmp_path, executor=executor, watch=Watch())
    assert {(i.job.setting["depth"], i.job.seed) for i in report.failed} == {(6, 1)}
    assert len(report.failed) == 2
    assert all("its process died (killed, or out of memory)" in i.error for i in report.failed)
    found = digests(tmp_path)
    assert len(found) == 6
    assert found.items() <= serial.items()


def test_a_run_counts_when_it_is_there_whatever_is_reported(tmp_path, serial, monkeypatch):
    class Silent:
        def submit(self, function, order):
            function(order)
            return concurrent.futures.Future()  # never ends

    monkeypatch.setattr("minires.sweep.engine.LOOK", 0.0)
    assert sweep.run(jobs(), tmp_path, executor=Silent()).computed == 8
    assert digests(tmp_path) == serial


def test_a_worker_with_another_folder_or_version_refuses(tmp_path):
    job = jobs()[0]
    done = worker.work(worker.Order(str(tmp_path), "mark", job, job.key()))
    assert "must be in a folder that all machines share" in done.error
    (tmp_path / worker.MARK).write_text("mark", encoding="utf-8")
    done = worker.work(worker.Order(str(tmp_path), "mark", job, "0" * 16))
    assert "install the same version on all machines" in done.error
    assert digests(tmp_path) == {}


def test_without_dask_the_error_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert call(*DESIGN, "--store", str(tmp_path), "--scheduler", "tcp://127.0.0.1:1") == 2
    assert 'pip install "minires[cluster]"' in capsys.readouterr().err


def test_a_wrong_address_is_told(tmp_path, capsys):
    pytest.importorskip("distributed", reason='needs Dask: pip install "minires[cluster]"')
    assert call(*DESIGN, "--store", str(tmp_path), "--scheduler", "nonsense") == 2
    assert "expected the address of a Dask scheduler, e.g. tcp://" in capsys.readouterr().err


# ---- costs --------------------------------------------------------------------------------------
def test_costs_are_learned_from_a_few_runs_and_longest_come_first(tmp_path):
    settings = [{"depth": d, "epochs": e, "skip": s} for d in (4, 16, 64) for e in (5, 20)
                for s in ("none", "identity")]  # fmt: skip
    seconds = [0.01 * s["depth"] ** 1.3 * s["epochs"] * (2 if s["skip"] != "none" else 1)
               for s in settings]  # fmt: skip
    cost = Cost()
    cost.fit(settings, seconds)
    asked = {"depth": 32, "epochs": 40, "skip": "identity"}
    assert cost.seconds(asked) == pytest.approx(0.01 * 32**1.3 * 40 * 2, rel=0.35)
    assert sum(map(cost.seconds, settings)) == pytest.approx(sum(seconds))
    one = Cost()
    one.fit(settings[:1], seconds[:1])
    assert one.seconds({**settings[0], "epochs": 20}) == pytest.approx(4 * seconds[0], rel=0.3)

    class Watch(sweep.Watch):
        def begin(self, engine):
            order.extend(item.job.setting["depth"] for item in engine.waiting)

    order = []
    sweep.run(jobs(depth=[2, 6, 4]), tmp_path, watch=Watch(), minutes=1e-9)
    assert order == sorted(order, reverse=True)


def test_small_trainings_need_all_kernels():
    asked = [Job.of("train", arch=a, depth=20, norm=n, optimizer=o, iterations=500, records=[0, 9])
             for a in ("mlp", "conv") for n in ("none", "bn") for o in ("sgd", "adam")]  # fmt: skip
    chosen = estimates.small(asked)
    for name in ("norm", "optimizer"):
        pairs = {(s["arch"], s[name]) for _, s in chosen}
        assert pairs == {(j.setting["arch"], j.setting[name]) for j in asked}
    assert all(s["iterations"] == 1 and s["records"] == [0] for _, s in chosen)
    assert len(chosen) < len(asked)


# ---- beside another sweep -----------------------------------------------------------------------
def held(path, job, **changes):
    """Claim a run as another process would; return the file."""
    runs = Store(path).runs_path
    runs.mkdir(parents=True, exist_ok=True)
    file = claims.path_of(runs, job.key())
    file.write_text(json.dumps(vars(claims.me()) | changes), encoding="utf-8")
    return file


class Says(sweep.Watch):
    """Keeps what is said, and calls `alone` when only runs of others are left."""

    def __init__(self, alone=lambda: None):
        self.said, self.alone = [], alone

    def say(self, text):
        self.said.append(text)

    def tick(self, engine):
        if engine.elsewhere and not engine.hand and not engine.waiting:
            self.alone()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(engine, "LOOK", 0.01)
    monkeypatch.setattr(engine, "TICK", 0.01)


def test_a_run_that_another_sweep_computes_is_waited_for(tmp_path, serial, impatient):
    wanted = jobs()
    file = held(tmp_path, wanted[3])

    def arrives():
        Store(tmp_path).compute(wanted[3])
        file.unlink()

    watch = Says(arrives)
    report = sweep.run(wanted, tmp_path, watch=watch)
    assert (report.found, report.computed, report.complete) == (1, 7, True)
    (said,) = watch.said
    assert f"another sweep (process {os.getpid()} on " in said
    assert digests(tmp_path) == serial


def test_a_run_that_another_sweep_gives_up_is_computed(tmp_path, serial, impatient):
    wanted = jobs()
    file = held(tmp_path, wanted[3])
    report = sweep.run(wanted, tmp_path, watch=Says(lambda: file.unlink(missing_ok=True)))
    assert (report.found, report.computed, report.complete) == (0, 8, True)
    assert digests(tmp_path) == serial


def test_nobody_waits_for_a_process_that_has_ended(tmp_path):
    wanted = jobs(seeds=1)
    held(tmp_path, wanted[0], started=1)
    watch = Says()
    assert sweep.run(wanted, tmp_path, watch=watch).computed == 4
    assert watch.said == []
    assert list(Store(tmp_path).runs_path.glob(".*")) == []


def test_a_wait_for_another_sweep_ends_with_the_minutes_and_with_a_signal(tmp_path, impatient):
    wanted = jobs(seeds=1)
    sweep.run(wanted[1:], tmp_path)
    file = held(tmp_path, wanted[0])
    report = sweep.run(wanted, tmp_path, minutes=0.005)
    assert (report.found, report.left, report.complete) == (3, 1, False)
    stop = Says(lambda: os.kill(os.getpid(), signal.SIGINT))
    report = sweep.run(wanted, tmp_path, watch=stop)
    assert (report.left, report.signal) == (1, signal.SIGINT)
    assert file.exists()  # it is theirs


def test_sweeps_that_begin_at_once_agree_on_the_mark_of_the_store(tmp_path):
    together, marks = threading.Barrier(8), []

    def begin():
        together.wait()
        marks.append(engine._mark(tmp_path))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(marks)) == 1
    assert len(marks[0]) == 32


def test_a_claim_made_after_the_engine_looked_is_seen_by_the_worker(tmp_path):
    (job,) = jobs(seeds=1, depth=[4], norm=["none"])
    mark = engine._mark(tmp_path)
    file = held(tmp_path, job)
    done = worker.work(worker.Order(str(tmp_path), mark, job, job.key()))
    assert (done.error, done.found) == ("", False)
    assert done.by.startswith(f"process {os.getpid()} on ")
    assert Store(tmp_path).keys() == []
    file.unlink()
    done = worker.work(worker.Order(str(tmp_path), mark, job, job.key()))
    assert (done.error, done.found, done.by) == ("", False, "")
    assert worker.work(worker.Order(str(tmp_path), mark, job, job.key())).found

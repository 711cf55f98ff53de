"""The atlas: its runs survive kill -9 with their bits, and its summary is what the runs say."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.atlas import __main__ as atlas
from benchmarks.atlas import grid, theory
from minires.experiments import gradflow
from minires.experiments.settings import Experiment, Setting
from minires.store import Store

SMALL = ["depth=2,4", "width=16", "iterations=12", "records=[[0, 11]]", "init=he", "norm=none"]


def make(store, *given):
    return atlas.main([*SMALL, *given, "--store", str(store), "--jobs", "1"])


def document(folder):
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("atlas")
    assert make(folder, "lr=0.01,1e9", "--seeds", "2") == 0
    return folder


def test_the_grid_is_the_one_that_is_described():
    jobs = grid.plan().jobs().jobs
    assert len(jobs) == 4 * 2 * 3 * 4 * 5 * 3
    nets = {grid.net_name(job.setting) for job in jobs}
    assert len(nets) == 96
    assert "48/bn/he/scaled" in nets


def test_the_summary_is_what_the_runs_say(made):
    found = document(made)
    assert found["about"]["runs"] == len(Store(made).runs()) == 2 * 4 * 2 * 2
    assert found["about"]["missing"] == 0
    setting = {"depth": 4, "skip": "identity", "branch_scale": "1/sqrt(blocks)", "lr": 0.01}
    (run,) = Store(made).runs(**setting, seed=1)
    net = found["nets"]["4/none/he/scaled"]
    error, loss, test, at, decades, errors, losses = net["runs"]["0.01"][1]
    assert error == round(run.summary["train_error"], 4)
    assert loss == pytest.approx(run.summary["train_loss"], rel=0.01)
    assert test == round(run.summary["test_error"], 4)
    assert at is None
    assert (len(errors), len(losses), len(decades)) == (12, 12, 1)
    assert losses == pytest.approx([row["loss"] for row in run.curve()], rel=0.01)
    main = [row for row in run.rows() if row["stream"] and row["step"] == 0]
    assert net["layer"] == [row["index"] for row in main]
    lost = [np.log10(main[-1][name] / main[0][name]) for name in ("dx_norm", "forward_rms")]
    assert [net["decades"][1], net["growth"][1]] == pytest.approx(lost, abs=1e-3)
    for i, row in enumerate(main):
        assert net["dx"]["lo"][i] <= 100 * np.log10(row["dx_norm"]) + 0.5
        assert net["dx"]["hi"][i] >= 100 * np.log10(row["dx_norm"]) - 0.5


def test_a_run_that_diverged_is_a_state_and_no_number(made):
    (run,) = Store(made).runs(depth=4, skip="none", lr=1e9, seed=0)
    assert run.summary["diverged"]
    error, loss, test, at, _, errors, _ = document(made)["nets"]["4/none/he/plain"]["runs"][
        "1e+09"
    ][0]
    assert (error, loss, test) == (None, None, None)
    assert at == run.summary["diverged_at"]
    assert len(errors) <= at


def test_what_is_missing_is_told_and_added_later(made, tmp_path, capsys):
    part = make(made, "lr=0.01,0.02", "--seeds", "2", "--only-draw", "--out", str(tmp_path))
    assert part == 0
    about = document(tmp_path)["about"]
    assert (about["runs"], about["missing"]) == (16, 16)
    assert document(tmp_path)["nets"]["2/none/he/zero"]["runs"]["0.02"] == [None, None]
    assert make(tmp_path / "nothing", "--only-draw") == 2
    assert "has no run of the atlas" in capsys.readouterr().err


@pytest.mark.parametrize("init", ["default", "he", "orthogonal"])
@pytest.mark.parametrize("branch", [1.0, "1/sqrt(blocks)"])
def test_the_recursion_over_residual_blocks_is_what_wide_nets_do(init, branch):
    setting = Setting("mlp", 12, "identity", "none", init, "relu", 256, branch)
    how = Experiment(depths=[12], skips=["identity"], norms=["none"], inits=[init], seeds=2,
                     width=256, branch_scale=branch)  # fmt: skip
    found = []
    for run in gradflow.run(how):
        rows = [row for row in run.layers if row.stream][1:-1]
        signal, dx = theory.layers(setting, 128, rows[0].forward_rms, stem=True)
        x = [row.forward_rms for row in rows]
        back = [row.dx_norm / rows[-1].dx_norm for row in rows]
        found.append([np.log(np.divide(x, signal)), np.log(np.divide(back, dx))])
    assert np.abs(np.mean(found, axis=0)).max() < 0.25  # of growths up to a factor of 9


KILLER = """
import os, random, signal, sys, time
from benchmarks.atlas.__main__ import main
from minires.store import Store
store, command = Store(sys.argv[1]), [*sys.argv[2:], "--store", sys.argv[1]]
random.seed(0)
for _ in range(20):
    enough = len(store.keys()) + random.randint(0, 3)
    child = os.fork()
    if not child:
        os._exit(main(command))
    while len(store.keys()) < enough:
        time.sleep(0.01)
    time.sleep(random.uniform(0.0, 0.3))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, "it was not killed"
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_sixty_runs_killed_twenty_times_are_those_of_an_undisturbed_serial_run(tmp_path):
    part = ["depth=6", "iterations=33", "records=[[0, 1, 16]]", "lr=0.01,0.1,0.3", "init=he"]
    part = [*part, "norm=none,bn", "skip=identity", "branch_scale=1.0,skipinit", "--seeds", "5"]
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    assert atlas.main([*part, "--store", str(calm), "--jobs", "1"]) == 0
    serial = {run.key: run.digest() for run in Store(calm).runs()}
    assert len(serial) == 60
    killing = [sys.executable, "-c", KILLER, str(killed), *part, "--jobs", "1"]
    subprocess.run(killing, check=True, timeout=300)
    assert 20 <= len(Store(killed).keys()) < 60
    assert atlas.main([*part, "--store", str(killed), "--jobs", "1"]) == 0
    assert {run.key: run.digest() for run in Store(killed).runs()} == serial
    own, theirs = document(killed), document(calm)
    assert own["nets"] == theirs["nets"]

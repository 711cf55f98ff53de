"""The atlas: its runs survive kill -9 with their bits, and its summary is what the runs say."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from benchmarks.atlas import __main__ as atlas
from benchmarks.atlas import grid, maps, page, statements, theory
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


def test_the_page_is_one_file_that_asks_nobody(made):
    text = (made / "atlas.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=\"(?!data:)|@import|url\(", text)
    script = text.split('<script type="module">')[1]
    assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    data = re.search(r'id="atlas-summary">(.*?)</script>', text)[1]
    assert json.loads(data) == document(made)
    hostile = {"about": {"command": "</script><script>alert(1)"}}
    assert "</script><script>alert" not in page.page(hostile)


@pytest.mark.parametrize("name", ["atlas.png", "atlas.svg"])
def test_the_picture_says_what_it_shows(made, name):
    data = (made / name).read_bytes()
    assert len(data) > 5000
    if name.endswith("svg"):
        assert "Plain nets train in" in data.decode()


# ---- statements, of a summary in which the answers are known ------------------------------------
def known(plain, twin):
    """Return a summary of one plain net and its twin by depth: (decades gained, highest rate)."""
    rates = [0.01, 0.1, 1.0]
    about = {
        "axes": {"depth": [6, 24], "norm": ["bn"], "init": ["he"], "arm": ["plain", "skip"],
                 "lr": rates},
        "seeds": [0, 1], "threshold": 0.1, "fixed": {"records": [0, 9]},
    }  # fmt: skip

    def run(trains):
        return [0.01, 0.1, 0.1, None, [0.0], [], []] if trains else [None] * 3 + [7, [None], [], []]

    nets = {
        f"{depth}/bn/he/{arm}": {
            "decades": [-gained, -gained],
            "runs": {f"{lr:g}": [run(lr <= most)] * 2 for lr in rates},
        }
        for arm, of in (("plain", plain), ("skip", twin))
        for depth, (gained, most) in zip((6, 24), of, strict=True)
    }
    return {"about": about, "nets": nets}


def test_statements_find_what_is_there():
    found = known(plain=[(0.5, 1.0), (2.0, 0.1)], twin=[(0.0, 1.0), (0.1, 1.0)])
    plain, twin = statements.rates(found)
    assert (plain["max 6"], plain["max 24"], twin["max 24"]) == (1.0, 0.1, 1.0)
    assert plain["slope"] == "-0.056 ± 0.000"  # a decade over 18 layers
    assert plain["start"] == pytest.approx(-1.5 / 18)
    assert plain["law"] == pytest.approx(-np.log10(1.2112), abs=1e-4)
    assert (plain["capped"], twin["capped"]) == (2, 4)
    assert statements.beaten(found) == []
    assert statements.beaten(known([(0, 1.0), (0, 0.1)], [(0, 1.0), (0, 0.01)])) == [
        {"norm": "bn", "init": "he", "depth": 24, "lr": 0.1, "arm": "skip", "plain": "2/2",
         "twin": "0/2", "twins diverged": 2}
    ]  # fmt: skip
    by_kind = {(row["nets"], row["gradient"]): row for row in statements.level(found)}
    assert by_kind["plain", "explodes"]["share"] == pytest.approx(2 / 3)
    assert by_kind["residual", "level"]["share"] == 1
    assert "healed" in statements.text(found, list(statements.STATEMENTS))


def test_auc_is_the_part_of_pairs_in_order():
    assert statements.auc([3, 2, 1], [True, True, False]) == 1
    assert statements.auc([1, 2], [True, False]) == 0
    assert statements.auc([1, 1], [True, False]) == 0.5
    assert statements.auc([1, 2], [True, True]) is None


@pytest.mark.parametrize(
    ("depth", "at"), [(6, 0), (12, 1), (48, 3), (3, -1), (96, 4), (6 * 2**0.5, 0.5)]
)
def test_places_between_depths_are_logarithmic(depth, at):
    assert maps.place(depth, [6, 12, 24, 48]) == pytest.approx(at)


def test_another_file_is_no_summary(tmp_path, capsys):
    (tmp_path / "x.json").write_text("[1]", encoding="utf-8")
    assert statements.main([str(tmp_path / "x.json")]) == 2
    assert "is no summary of the atlas" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("init", "branch"), [("he", 1.0), ("default", 1.0), ("he", "1/sqrt(blocks)")]
)
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
    enough = len(store.keys()) + random.randint(0, 2)
    child = os.fork()
    if not child:
        os._exit(main(command))
    while len(store.keys()) < enough:
        assert os.waitpid(child, os.WNOHANG)[0] == 0, "it came to its end"
        time.sleep(0.005)
    time.sleep(random.uniform(0.0, 0.06))  # about a run
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

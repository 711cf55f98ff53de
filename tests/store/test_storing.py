"""The commands of the experiments keep every net, go on where they stopped, and are loaded."""

import json
import os
import shutil
import signal

import pytest

from minires import degradation, gradflow
from minires.__main__ import main
from minires.experiments import degradation as training
from minires.experiments import figures
from minires.experiments import gradflow as measuring

GRADFLOW = ("gradflow", "--depths", "2,4", "--width", "8", "--norm", "none", "--steps", "0,2")
DEGRADATION = ("degradation", "--depths", "2,4", "--width", "8", "--epochs", "2",
               "--batch-size", "500")  # fmt: skip
COMMANDS = {"gradflow": (GRADFLOW, measuring, "measure"),
            "degradation": (DEGRADATION, training, "train")}  # fmt: skip


@pytest.fixture(autouse=True)
def fast(request, monkeypatch):
    """Draw no figures, which take longer than all the nets, but in slow tests."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(figures, "gradflow_files", lambda *_: {})
        monkeypatch.setattr(figures, "degradation_files", lambda *_: {})


@pytest.fixture
def count(monkeypatch):
    """Let the experiments count the nets that they compute, and be stopped before one of them."""
    calls, stops = [], {}
    for _, module, name in COMMANDS.values():
        real = getattr(module, name)

        def work(*arguments, real=real):
            if (stop := stops.get(len(calls))) is not None:
                stops.clear()
                stop()
            calls.append(arguments)
            return real(*arguments)

        monkeypatch.setattr(module, name, work)
    return calls, stops


def files(folder):
    names = [p for p in sorted(folder.iterdir()) if p.is_file() and p.name != "run.json"]
    return {p.name: p.read_bytes() for p in names}


def interrupt():
    raise KeyboardInterrupt


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_there_is_not_computed_again_and_seeds_add_to_it(command, tmp_path, capsys, count):
    calls, _ = count
    asked = [*COMMANDS[command][0], "--out", str(tmp_path / "a")]
    assert main([*asked, "--seeds", "1"]) == 0
    assert (len(calls), "from the store" in capsys.readouterr().out) == (4, False)
    assert main([*asked, "--seeds", "2"]) == 0
    assert len(calls) == 8
    assert "8 nets in" in (printed := capsys.readouterr().out)
    assert "4 of 8 from the store" in printed
    before = files(tmp_path / "a")
    assert main([*asked, "--seeds", "2"]) == 0
    assert len(calls) == 8
    assert "8 of 8 from the store" in capsys.readouterr().out
    assert files(tmp_path / "a") == before
    other = ["--out", str(tmp_path / "b"), "--store", str(tmp_path / "c")]
    assert main([*asked, "--seeds", "2", *other]) == 0
    capsys.readouterr()
    assert len(calls) == 16
    assert files(tmp_path / "b") == before  # computed otherwise, the same bits
    assert not (tmp_path / "b" / "runs").exists()
    assert len(os.listdir(tmp_path / "c" / "runs")) == 8


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("stop", "code"), [(interrupt, 130), (terminate, 143)])
def test_a_signal_keeps_what_is_finished_and_tells_how_to_go_on(
    command, stop, code, tmp_path, capsys, count, monkeypatch
):
    calls, stops = count
    asked = [*COMMANDS[command][0], "--seeds", "1", "--out", str(tmp_path / "a b")]
    monkeypatch.setattr("sys.argv", ["minires", *asked])
    stops[3] = stop
    assert main(asked) == code
    printed = capsys.readouterr().err
    assert "interrupted: 3 of 4 nets were" in printed
    assert f"go on: minires {command} --depths 2,4 " in printed
    assert f"--out '{tmp_path / 'a b'}'" in printed
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert main(asked) == 0
    assert "3 of 4 from the store" in capsys.readouterr().out
    assert len(calls) == 4


def test_a_damaged_run_is_told_of_and_measured_again(tmp_path, capsys, count):
    calls, _ = count
    asked = [*GRADFLOW, "--seeds", "1", "--out", str(tmp_path)]
    assert main(asked) == 0
    before = files(tmp_path)
    (next((tmp_path / "runs").iterdir()) / "rows.csv").write_bytes(b"")
    capsys.readouterr()
    assert main(asked) == 0
    printed = capsys.readouterr()
    assert "rows.csv has been changed or damaged" in printed.err
    assert "3 of 4 from the store" in printed.out
    assert (len(calls), files(tmp_path)) == (5, before)


@pytest.mark.slow
def test_what_is_loaded_draws_the_same_figures(tmp_path, capsys):
    for name, asked, module in (("g", GRADFLOW, gradflow), ("d", DEGRADATION, degradation)):
        main([*asked, "--seeds", "2", "--out", str(tmp_path / name)])
        module.save(module.load(tmp_path / name), tmp_path / f"{name} again")
        drawn = files(tmp_path / name)
        assert sum(file.endswith((".png", ".svg")) for file in drawn) >= 2
        assert files(tmp_path / f"{name} again") == drawn
    capsys.readouterr()


@pytest.mark.parametrize("where", ["store", "run.json"])
def test_what_is_loaded_is_what_was_measured(where, tmp_path, capsys, count):
    calls, _ = count
    main([*GRADFLOW, "--seeds", "2", "--out", str(tmp_path / "g")])
    main([*DEGRADATION, "--seeds", "2", "--out", str(tmp_path / "d"), "--lr", "10"])
    capsys.readouterr()
    done = len(calls)
    for name, module in (("g", gradflow), ("d", degradation)):
        source = tmp_path / name
        before = files(source)
        if where == "run.json":
            shutil.rmtree(source / "runs")
        module.save(module.load(source), tmp_path / "again")
        assert files(tmp_path / "again") == before
        one = module.load(source, depth=[4], seed=1)
        assert {(r.setting.depth, r.seed) for r in one} == {(4, 1)}
        with pytest.raises(ValueError, match=r"fits .*depth=5"):
            module.load(source, depth=5)
        shutil.rmtree(tmp_path / "again")
    assert len(calls) == done


def test_loaded_runs_equal_those_in_memory(tmp_path, capsys):
    options = {"depths": [2, 4], "norms": ["none"], "inits": ["default"], "width": 8, "seeds": 1}
    runs = gradflow.run(**options, steps=(0, 2))
    main([*GRADFLOW, "--seeds", "1", "--out", str(tmp_path)])
    capsys.readouterr()
    for found, run in zip(gradflow.load(tmp_path), runs, strict=True):
        for name in (
            "setting",
            "seed",
            "step",
            "loss",
            "dx_factor",
            "diverged",
            "layers",
            "blocks",
        ):
            assert getattr(found, name) == getattr(run, name)


def test_a_net_that_diverged_is_loaded_as_one(tmp_path, capsys):
    main(["gradflow", "--depths", "56", "--init", "he", "--norm", "none", "--seeds", "1",
          "--width", "8", "--steps", "0,5,9", "--lr", "100", "--out", str(tmp_path)])  # fmt: skip
    capsys.readouterr()
    before = files(tmp_path)
    for clear in (lambda: None, lambda: shutil.rmtree(tmp_path / "runs")):
        clear()
        runs = gradflow.load(tmp_path)
        assert any(r.diverged for r in runs)
        gradflow.save(runs, tmp_path / "again")
        assert files(tmp_path / "again") == before


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda out: shutil.rmtree(out), "there is no"),
        (lambda out: (out / "run.json").unlink(), "neither a store of runs"),
        (lambda out: (out / "run.json").write_text("{", encoding="utf-8"), "cut off"),
        (lambda out: (out / "run.json").write_text("[]", encoding="utf-8"), "of something else"),
        (lambda out: (out / "run.json").write_bytes(b"\xff"), "cut off"),
        (lambda out: (out / "layers.csv").unlink(), "is cut off"),
        (lambda out: foreign(out), "neither a store of runs"),
        (lambda out: cut(out / "layers.csv"), "cut off|cannot be read"),
        (lambda out: change(out, lambda run: run.pop("skip")), "it lacks 'skip'"),
        (lambda out: change(out, lambda run: run.update(depth="x")), "expected an integer"),
        (lambda out: change(out, lambda run: run["layers"][0].update(name="o")), "another run"),
    ],
    ids=["no folder", "no file", "half", "a list", "no text", "no table", "runs of others",
         "half a table",
         "a field is missing", "a wrong field", "another table"],
)  # fmt: skip
def test_a_folder_that_is_not_as_it_was_written_is_refused(damage, said, tmp_path, capsys):
    out = tmp_path / "out"
    main([*GRADFLOW, "--seeds", "1", "--out", str(out)])
    capsys.readouterr()
    shutil.rmtree(out / "runs")
    damage(out)
    with pytest.raises((ValueError, OSError), match=said):
        gradflow.load(out)


def foreign(out):
    (out / "runs" / "Nov26").mkdir(parents=True)
    (out / "run.json").unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:-30])


def change(out, edit):
    document = json.loads((out / "run.json").read_text(encoding="utf-8"))
    edit(document["runs"][0])
    (out / "run.json").write_text(json.dumps(document), encoding="utf-8")

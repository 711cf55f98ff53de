"""The command line: exit codes, messages, files."""

import json
import subprocess
import sys

import pytest

from minires.__main__ import main


def call(*arguments):
    try:
        return main(arguments)
    except SystemExit as stop:  # argparse
        return stop.code


def test_gradflow_writes_and_says_so(tmp_path, capsys):
    code = call(
        "gradflow", "--depths", "8", "--seeds", "2", "--width", "16", "--out", str(tmp_path)
    )
    printed = capsys.readouterr().out
    assert code == 0
    assert "theory" in printed
    for name in ("gradflow.png", "gradflow.svg", "layers.csv", "run.json"):
        assert (tmp_path / name).stat().st_size > 0
        assert str(tmp_path / name) in printed


@pytest.mark.usefixtures("unrendered")
def test_gradflow_json_is_the_only_output(tmp_path, capsys):
    code = call("gradflow", "--depths", "8", "--seeds", "1", "--json", "--out", str(tmp_path))
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document == json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))


@pytest.mark.usefixtures("unrendered")
def test_gradflow_train_is_degradation(tmp_path, capsys):
    code = call("gradflow", "--train", "--norm", "bn", "--depths", "6", "--seeds", "1",
                "--out", str(tmp_path))  # fmt: skip
    assert code == 0
    assert "training error" in capsys.readouterr().out
    assert (tmp_path / "degradation.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gradflow", "--depths", "8,x"], "integers separated by commas"),
        (["gradflow", "--depths", "8,8"], "twice"),
        (["gradflow", "--depths", "-8"], "--depths"),
        (["gradflow", "--depths", "9"], "odd"),
        (["gradflow", "--skip", "none,dense"], "'dense' is not among"),
        (["gradflow", "--seeds", "0"], "positive integer"),
        (["gradflow", "--seeds", "9" * 30], "at most"),
        (["degradation", "--seeds", "1000000000"], "at most a million"),
        (["gradflow", "--lr", "nan"], "positive number"),
        (["gradflow", "--branch-scale", "big"], "skipinit"),
        (["gradflow", "--arch", "conv", "--depths", "9"], "6n"),
        (["gradflow", "--train", "--norm", "none,bn"], "one --norm"),
        (["gradflow", "--train", "--norm", "bn", "--steps", "0,5"], "--steps"),
        (["degradation", "--epochs", "0"], "positive integer"),
        (["gradflow", "--out", "/dev/null/x", "--depths", "8", "--seeds", "1"], "/dev/null"),
        (["nonsense"], "invalid choice"),
        (["gradflow", "--width", "1000000000", "--depths", "8", "--seeds", "1"], "memory"),
        ([], "COMMAND"),
    ],
)
def test_wrong_calls_exit_2_with_a_message(arguments, message, capsys):
    assert call(*arguments) == 2
    assert message in capsys.readouterr().err


def test_doctor(capsys):
    assert call("doctor") == 0
    assert "cpu" in capsys.readouterr().out
    assert call("doctor", "--json") == 0
    findings = json.loads(capsys.readouterr().out)
    assert findings["backends"]["cpu"] == "ok"
    assert findings["data"]["digits"].startswith("ok")


def test_doctor_reports_a_broken_setting_and_exits_1():
    environment = {"MINIRES_NUM_THREADS": "many", "PATH": "/usr/bin"}
    done = subprocess.run(
        [sys.executable, "-m", "minires", "doctor"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )
    assert done.returncode == 1
    assert "MINIRES_NUM_THREADS" in done.stdout


def test_a_closed_pipe_is_no_traceback():
    script = f"{sys.executable} -m minires doctor | head -c 1 > /dev/null"
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, encoding="utf-8", timeout=100
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gradflow", "--depth", "8"], "no option --depth; did you mean --depths?"),
        (["degradation", "--epoch=2"], "no option --epoch; did you mean --epochs?"),
        (["lessons", "run", "1", "--fas"], "no option --fas; did you mean --fast?"),
        (["gradcheck", "--colour"], "unrecognized arguments: --colour"),
        (["gradlow"], "invalid choice: 'gradlow'"),
    ],
)
def test_a_name_that_there_is_not(arguments, said, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert "cuda-lint" not in printed

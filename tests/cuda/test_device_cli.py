"""The command line and GPUs: what there is, what is missing, and checks on the device."""

import json

import pytest

import device_module
from minires.__main__ import main
from minires_kernels import backends, gpu


@pytest.mark.slow  # test_device_tensors.py checks layers and a kernel on it
def test_gradcheck_runs_on_the_device(capsys):
    with device_module.device():
        assert main(["gradcheck", "--backend", "cuda", "linear", "ReLU"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "cuda backend: 4 of 4 passed" in lines[-1]


@pytest.mark.slow  # and a step of .ci/run
def test_gradcheck_runs_on_the_emulator(capsys):
    assert main(["gradcheck", "--backend", "cuda-sim", "linear", "BatchNorm1d", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["backend"] == "cuda-sim"
    assert {r["verdict"] for r in document["reports"]} == {"PASS"}
    assert {"linear v1", "BatchNorm1d"} <= {r["target"] for r in document["reports"]}


@pytest.fixture
def missing(monkeypatch):
    """Make every machine one without a GPU."""
    sentence = "CuPy finds no GPU; do this and that"
    monkeypatch.setattr(gpu, "status", lambda: ("no-gpu", sentence))
    monkeypatch.delitem(backends._packages, "cuda", raising=False)
    gpu._usable_cupy.cache_clear()
    return sentence


@pytest.mark.parametrize("command", ["gradcheck", "gradflow", "degradation"])
def test_cuda_without_a_gpu_is_an_error_that_says_what_to_do(command, missing, capsys, tmp_path):
    out = [] if command == "gradcheck" else ["--out", str(tmp_path)]
    assert main([command, "--backend", "cuda", *out]) == 2
    assert missing in capsys.readouterr().err


def test_doctor_tells_all_backends(missing, capsys):
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["backends"]
    assert list(found) == list(backends.BACKENDS)
    assert found["cuda"] == f"not available: {missing}"
    assert found["cuda-sim"].startswith("ok: emulated, compiled with")


def test_doctor_says_that_the_emulator_lacks_a_compiler(monkeypatch, missing, capsys):
    import minires_emulator

    def none():
        raise minires_emulator.NoCompiler("looked for g++; apt install g++")

    monkeypatch.setattr(minires_emulator, "compiler", none)
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["backends"]
    assert found["cuda-sim"] == "not available: looked for g++; apt install g++"


def test_doctor_names_the_gpu(capsys, monkeypatch):
    monkeypatch.setattr(gpu, "status", lambda: ("ok", "a GPU"))
    with device_module.device():
        assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["backends"]["cuda"] == "ok: a GPU"

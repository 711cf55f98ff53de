"""CuPy where there is no GPU, or no NVRTC for it: what a user is told."""

import numpy as np
import pytest

import minires as mr
from minires_kernels import kernel, use_backend

cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
pytestmark = pytest.mark.skipif(
    mr.cuda.status()[0] == "ok", reason="a GPU is there; these tests are about its absence"
)
WHAT = "finds no GPU|cannot use the GPU"


def test_the_status_says_what_is_missing_and_what_to_do():
    code, sentence = mr.cuda.status()
    assert code == "no-gpu"
    assert "nvidia-smi" in sentence
    assert not mr.cuda.is_available()


@pytest.mark.parametrize(
    "call",
    [
        lambda: mr.tensor([1.0]).to("cuda"),
        lambda: mr.tensor([1.0], device="cuda"),
        lambda: mr.nn.Linear(2, 3).to("cuda"),
        lambda: mr.cuda.synchronize(),
        lambda: mr.cuda.graph(lambda: None),
    ],
    ids=["Tensor.to", "tensor", "Module.to", "synchronize", "graph"],
)
def test_asking_for_the_gpu_is_an_error_with_the_reason(call):
    with pytest.raises(RuntimeError, match=WHAT):
        call()


def test_the_backend_is_an_error_with_the_reason():
    for call in (lambda: use_backend("cuda"), lambda: kernel("relu", "cuda")):
        with pytest.raises(ImportError, match=WHAT):
            call()
    assert kernel("relu").backend == "cpu"  # and nothing has changed


def test_everything_else_runs_beside_cupy():
    x = mr.tensor(np.ones((2, 3)), requires_grad=True)
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * np.ones((2, 3)))


def test_doctor_reports_it(capsys):
    from minires.__main__ import main

    assert main(["doctor"]) == 0
    assert "no GPU" in capsys.readouterr().out

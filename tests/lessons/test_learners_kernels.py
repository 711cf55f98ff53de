"""A learner's kernel runs in another process: whatever it does, a sentence comes back."""

import re

import numpy as np
import pytest

from minires.lessons import kernels
from minires.lessons.checks import cuda
from minires.lessons.exercise import NotDone
from minires.lessons.kernels import CannotCompile, Launch, NoEmulator, run

KERNEL = """
extern "C" __global__ void twice(const float* x, float* y, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    STATEMENT
}
"""


def launch(n=100):
    x = np.arange(n, dtype=np.float32)
    return Launch((2,), (64,), {"x": x, "y": np.zeros(n, np.float32), "n": np.int32(n)})


def source(statement):
    return KERNEL.replace("STATEMENT", statement)


def test_results_and_costs_come_back_launch_by_launch():
    first, second = run(source("if (i < n) y[i] = 2 * x[i];"), "twice", [launch(), launch(5)])
    assert first.report == second.report == ""
    assert first.arrays["y"].tolist() == [2 * i for i in range(100)]
    assert len(second.arrays["y"]) == 5
    assert {(r.line, r.access, r.ratio) for r in first.profile} == {(4, "load", 1), (4, "store", 1)}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("y[i] = x[i];", "element 100 of x .*block .1,0,0. thread .36,0,0.*4: y.i. = x.i.;"),
        ("*(float*)8 = 1;", "null pointer"),
        ("y[0] = i;", "write/write race"),
        pytest.param(
            "for (i = 0; i < n; i += 0) y[i] = x[i];",
            "time limit.*run for ever",
            marks=pytest.mark.slow,
        ),
        ('asm("mov $231, %eax; mov $7, %edi; syscall");', "exit code 7"),
    ],
)
def test_what_a_kernel_may_do_wrong(statement, words):
    ran = run(source(statement), "twice", [launch(), launch()])
    assert len(ran) == 1
    text = ran[0].report.replace("\n", " ")
    assert re.search(words, text), text


@pytest.mark.slow
def test_a_kernel_that_stops_its_process_without_ending_it(monkeypatch):
    monkeypatch.setattr(kernels, "START_S", 4.0)
    monkeypatch.setattr(kernels, "LIMIT_S", 0.5)
    statement = 'asm("mov $60, %eax; syscall");'  # ends its thread alone
    (ran,) = run(source(statement), "twice", [launch()])
    assert "has not ended after" in ran.report


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (source("y[i] = z;"), "twice", "yours.cu:4:.*'z' was not declared"),
        (source(";"), "thrice", "no kernel 'thrice'"),
        pytest.param(
            source(";").replace('extern "C"', ""),
            "twice",
            'begins with extern "C" __global__',
            marks=pytest.mark.slow,
        ),
        (source("if (i < n) {"), "twice", "your text ends. Is a closing brace missing"),
        pytest.param(
            source(";").replace("int n", "double n"),
            "twice",
            "Keep the kernel's parameters",
            marks=pytest.mark.slow,
        ),
        ("", "twice", "no kernel"),
    ],
)
def test_what_cannot_be_compiled(text, name, words):
    with pytest.raises(CannotCompile, match=words):
        run(text, name, [launch()])


def test_where_no_process_can_be_started_nobody_is_blamed(monkeypatch):
    def refused(*_, **__):
        raise OSError("emscripten does not support processes.")

    monkeypatch.setattr(kernels.subprocess, "Popen", refused)
    with pytest.raises(NoEmulator):
        run(source(";"), "twice", [launch()])
    with pytest.raises(NotDone, match="cannot be checked here"):
        cuda.ran(source(";"), "twice", [launch()])

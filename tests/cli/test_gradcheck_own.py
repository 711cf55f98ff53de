"""`minires gradcheck` on files of the user's: pairs, inputs, exit codes, words for bad ones."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from minires.__main__ import main

GOOD = """
import numpy as np

def linear(x, w):
    return x @ w

def linear_backward(dy, x, w):
    return dy @ w.T, x.T @ dy

def square(x):
    return x**2

def square_backward(dy, x):
    return 2 * x * dy
"""
WRONG = GOOD.replace("2 * x * dy", "x * dy")
ZERO = "def zero(x):\n    return 0 * x\n\n\ndef zero_backward(dy, x):\n    return 0 * dy\n"


def call(*arguments):
    try:
        return main(["gradcheck", *map(str, arguments)])
    except SystemExit as stop:  # argparse
        return stop.code


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])

    def write(text, name="mine.py"):
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def test_a_right_pair_passes_and_the_file_is_left_alone(write, tmp_path, capsys):
    file = write(GOOD)
    assert call(f"{file}:linear,linear_backward", "--inputs", "x=(4,3) w=(3,2)") == 0
    said = capsys.readouterr().out
    assert "linear,linear_backward with x: float64 (4, 3), w: float64 (3, 2)" in said
    assert "gradcheck linear_backward: PASS" in said
    assert os.listdir(tmp_path) == [file]
    assert (tmp_path / file).read_text(encoding="utf-8") == GOOD


def test_all_pairs_of_a_file_with_inputs_by_name(write, capsys):
    assert call(write(GOOD), "--inputs", "x=(4,3) w=(3,2)") == 0
    assert "2 of 2 passed" in capsys.readouterr().out
    assert call(write(WRONG), "--inputs", "x=(4,3) w=(3,2)") == 1
    said = capsys.readouterr().out
    assert "gradcheck square_backward: FAIL" in said
    assert "1 of 2 passed" in said


def test_vacuous_alone_is_3_and_beside_a_failure_1(write, capsys):
    assert call(write(ZERO), "--inputs", "x=(3)") == 3
    assert call(write(ZERO + WRONG), "--inputs", "x=(3,3) w=(3,2)") == 1


def test_undecided_is_3(write, capsys):
    file = write(
        "import numpy as np\n\n\ndef relu(x):\n    return np.maximum(x, 0)\n\n\n"
        "def relu_backward(dy, x):\n    return dy * (x > 0)\n"
    )
    assert call(file, "--inputs", "x=zeros(4)", "--html", "u.html") == 3
    assert "undecided: x: " in capsys.readouterr().out
    assert "UNDECIDED" in Path("u.html").read_text(encoding="utf-8")


def test_without_inputs_it_says_what_to_type(write, capsys):
    assert call(write(GOOD)) == 2
    said = capsys.readouterr().err
    command = next(line for line in said.splitlines() if "linear,linear_backward" in line)
    assert command.strip().startswith("minires gradcheck mine.py:linear,linear_backward --inputs")
    typed = command.split('"')[1]
    assert "…" not in typed
    assert call("mine.py:linear,linear_backward", "--inputs", typed) == 0


@pytest.mark.parametrize(
    "maker",
    [
        "def inputs():\n    return np.ones((2, 3)), np.eye(3)",
        "def inputs(seed):\n    return {'w': np.eye(3) + seed, 'x': np.ones((2, 3))}",
        "def make_inputs(rng):\n    return rng.standard_normal((2, 3)), np.eye(3)",
        "example_inputs = {'x': np.ones((2, 3)), 'w': np.eye(3)}",
        "def linear_inputs(seed=0):\n    return np.ones((2, 3)), np.eye(3)",
    ],
)
def test_inputs_that_the_file_makes(maker, write, capsys):
    assert call(f"{write(GOOD + maker)}:linear", "--seed", "3") == 0
    assert "w: float64 (3, 3)" in capsys.readouterr().out


def test_npz_and_a_module(write, tmp_path, capsys):
    write(GOOD, "some_module.py")
    np.savez(tmp_path / "named.npz", w=np.ones((3, 2)), x=np.ones((4, 3)))
    np.savez(tmp_path / "unnamed.npz", np.ones((4, 3)), np.ones((3, 2)))
    for file in ("named.npz", "unnamed.npz"):
        assert call("some_module:linear,linear_backward", "--inputs", file) == 0


def test_json_is_strict_and_holds_what_was_checked(write, capsys):
    file = write(WRONG.replace("x * dy", "x * dy / 0.0") + "print('hello')\n")
    with np.errstate(all="ignore"):
        assert call(file, "--inputs", "x=(4,3) w=(3,2)", "--json", "--seed", 5) == 1
    captured = capsys.readouterr()

    def refuse(constant):
        raise AssertionError(constant)

    document = json.loads(captured.out, parse_constant=refuse)
    assert "hello" in captured.err
    assert (document["schema"], document["exit_code"], document["seed"]) == (1, 1, 5)
    right, wrong = document["reports"]
    assert (right["forward"], right["backward"]) == ("linear", "linear_backward")
    assert right["inputs"][1] == {"name": "w", "value": "float64 (3, 2)"}
    assert (right["verdict"], wrong["verdict"]) == ("PASS", "FAIL")
    assert [row["tensor"] for row in right["rows"]] == ["x", "w"]


def test_prints_of_the_code_do_not_flood(write, capsys):
    file = write(GOOD.replace("    return 2 *", "    print('noise')\n    return 2 *"))
    assert call(f"{file}:square", "--inputs", "x=(3)") == 0
    captured = capsys.readouterr()
    assert "noise" not in captured.out
    assert "your code printed" in captured.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(x:\n    pass\n", "no valid Python: '(' was never closed (mine.py, line 1)"),
        ("x = 1\ny = x / 0\n", "ZeroDivisionError: division by zero in line 2: y = x / 0"),
        ("import nowhere_at_all\n", "No module named 'nowhere_at_all' in line 1"),
        ("import sys\nsys.exit()\n", "ended itself (sys.exit or argparse) in line 2"),
        ("def f(x): ...\n", "no pair of functions whose names match (f and f_backward"),
        (GOOD + "def inputs():\n    return 1 / 0\n", "inputs() raised ZeroDivisionError"),
        (GOOD + "def inputs(a, b): ...\n", "inputs(a, b): expected one argument"),
        ("", "no pair"),
    ],
)
def test_files_that_cannot_be_checked_exit_2(text, message, write, capsys):
    assert call(write(text)) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.py"], "none.py: there is no such file"),
        (["none.py:f,g"], "none.py: there is no such file"),
        (["mine.py:linear,liner_backward"], "no liner_backward; did you mean linear_backward?"),
        (["mine.py:linear,np"], "np is module, not a function"),
        (["mine.py:a,b,c"], "expected two names"),
        (["nowhere.module:f,g"], "there is no module nowhere.module"),
        (["mine.py:linear", "--inputs", "x=(4,3)"], "linear(x, w): it also needs w"),
        (["mine.py:square", "--inputs", "x=(4,3) v=(2)"], "square(x): it has no v"),
        (["mine.py:square", "--inputs", "x=(4,"], "--inputs"),
        (["mine.py", "relu"], "'relu' is a name of minires"),
        (["mine.py", "--backend", "cpu"], "--backend"),
        (["relu", "--inputs", "x=(3)"], "name them, e.g."),
        (["mine.py", "--seconds", "-1"], "--seconds"),
    ],
)
def test_wrong_calls_exit_2(arguments, message, write, capsys):
    write(GOOD)
    assert call(*arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("where", ["import", "backward"])
def test_a_loop_without_end_is_stopped_and_named(where, write, capsys):
    if where == "import":
        file = write("n = 0\nwhile True:\n    n = 1\n")
    else:
        file = write(GOOD.replace("return 2 * x * dy", "\n    while True:\n        dy = dy + 0"))
    assert call(f"{file}:square", "--inputs", "x=(3)", "--seconds", "0.3") == 2
    said = capsys.readouterr().err
    assert "had not ended after 0.3 s (line" in said
    assert "does a loop run for ever?" in said


def test_a_pass_that_raises_is_a_failure_not_a_crash(write, capsys):
    file = write(GOOD.replace("return 2 * x * dy", "raise KeyError('lost')"))
    assert call(f"{file}:square", "--inputs", "x=(3)") == 1
    assert "lost" in capsys.readouterr().out


def test_derivatives_without_an_upstream(write, capsys):
    text = (
        "import numpy as np\n"
        "def sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n\n\n"
        "def sigmoid_prime(x):\n    return sigmoid(x) * (1 - sigmoid(x))\n\n\n"
        "def error(w, x):\n    return np.sum((x @ w) ** 2)\n\n\n"
        "def grad_error(w, x):\n    return 2 * x.T @ (x @ w), 2 * (x @ w) @ w.T\n"
    )
    file = write(text)
    assert call(file, "--inputs", "x=(4,3) w=(3,2)") == 0
    assert "sigmoid_prime takes no upstream: it is multiplied by dy" in capsys.readouterr().out
    write(text.replace("* (1 - sigmoid(x))", "* (1 + sigmoid(x))"))
    assert call(f"{file}:sigmoid", "--inputs", "x=(4,3)") == 1


def test_options_by_position_and_by_keyword(write, capsys):
    text = (
        "def f(x, scale=1.0, *, mode='one', much=1):\n"
        "    return x * scale * (2 if mode == 'two' else 1) * much\n\n\n"
        "def f_backward(dy, x, scale=1.0, *, mode='one', much=1):\n"
        "    return dy * scale * (2 if mode == 'two' else 1) * much\n"
    )
    file = write(text)
    assert call(file, "--inputs", "x=(4) scale=3.0") == 0
    assert call(file, "--inputs", "x=(4) mode='two'") == 0
    assert call(file, "--inputs", "x=(4) much=3") == 0
    assert "much: 3" in capsys.readouterr().out
    write(text.replace("dy * scale", "dy"))
    assert call(file, "--inputs", "x=(4) scale=3.0") == 1


LAYER = """
import numpy as np


class Affine:
    def __init__(self, n_in, n_out=2):
        self.W, self.b = np.ones((n_in, n_out)), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return np.tanh(x) @ self.W + self.b

    def backward(self, dy):
        self.dW, self.db = np.tanh(self.x).T @ dy, dy.sum(axis=0)
        return (dy @ self.W.T) * (1 - np.tanh(self.x) ** 2)
"""


def test_a_layer_is_made_from_the_inputs_that_its_class_takes(write, capsys):
    file = write(LAYER)
    assert call(file, "--inputs", "n_in=3 x=(4,3)") == 0
    said = capsys.readouterr().out
    assert "dW for W, db for b" in said
    assert "n_in: 3" in said
    assert call(f"{file}:Affine", "--inputs", "x=(4,3)") == 2
    assert "Affine(n_in, n_out) also needs n_in" in capsys.readouterr().err
    assert call(file) == 2
    assert 'mine.py:Affine --inputs "n_in=' in capsys.readouterr().err
    wrong = write(LAYER.replace("dy.sum(axis=0)", "dy.mean(axis=0)"))
    assert call(wrong, "--inputs", "n_in=3 x=(4,3)", "--no-diagnosis") == 1


def test_a_function_with_a_context(write, capsys):
    file = write(
        "from minires import Function\n\n\nclass Square(Function):\n"
        "    @staticmethod\n    def forward(ctx, x):\n        ctx.save(x)\n        return x * x\n\n"
        "    @staticmethod\n    def backward(ctx, dy):\n        return 2 * ctx.saved[0] * dy\n"
    )
    assert call(f"{file}:Square", "--inputs", "x=(4,3)") == 0


def test_the_wrong_line_is_shown_everywhere_unless_it_is_not_wanted(write, capsys):
    file = write(WRONG)
    line = WRONG.splitlines().index("    return x * dy") + 1
    assert call(f"{file}:square", "--inputs", "x=(3)", "--html", "page.html") == 1
    assert f"mine.py, line {line}, in square_backward" in capsys.readouterr().out
    page = Path("page.html").read_text(encoding="utf-8")
    assert f"mine.py, line {line}" in page
    assert f'<del><span class="no">{line:>4} − </span>    return x * dy</del>' in page
    assert call(f"{file}:square", "--inputs", "x=(3)", "--json") == 1
    (found, *_) = json.loads(capsys.readouterr().out)["reports"][0]["diagnosis"]
    assert (found["number"], found["before"]) == (line, "return x * dy")
    for more in ([], ["--json"], ["--html", "page.html"]):
        call(f"{file}:square", "--inputs", "x=(3)", "--no-diagnosis", *more)
        assert "in square_backward" not in capsys.readouterr().out
    assert "<del>" not in Path("page.html").read_text(encoding="utf-8")


def test_a_forward_that_refuses_the_inputs_is_told_with_its_line(write, capsys):
    file = write(
        "def f(x, w):\n    return x @ w\n\n\ndef f_backward(dy, x, w):\n    return dy, dy\n"
    )
    assert call(file, "--inputs", "x=(2,3) w=(4,2)") == 2
    assert "raised ValueError: matmul" in (said := capsys.readouterr().err)
    assert "mine.py, line 2)" in said

"""The fixture `gradcheck` that minires brings to pytest."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

HEAD = """
import numpy as np

def relu(x):
    return np.maximum(x, 0)

def relu_backward(dy, x):
    return dy * (x > 0)

def wrong_backward(dy, x):
    return dy * (x < 0)

x = np.linspace(-2, 2, 6)
"""


@pytest.fixture
def run(pytester):
    def run(tests, *arguments):
        pytester.makepyfile(HEAD + tests)
        return pytester.runpytest_inprocess(
            "-p", "minires_pytest", "-p", "no:cacheprovider", *arguments
        )

    return run


def test_a_right_pair_passes(run):
    run(
        "def test_pair(gradcheck):\n"
        "    assert gradcheck(relu, relu_backward, x, seed=3).verdict == 'PASS'\n"
        "def test_function(gradcheck):\n"
        "    from minires import Tensor, nn\n"
        "    gradcheck(Tensor.exp, x)\n"
        "    gradcheck(nn.Linear(6, 2), x[None])\n"
    ).assert_outcomes(passed=2)


def test_a_wrong_pair_fails_with_the_report_and_the_line_of_the_test(run):
    result = run("def test_pair(gradcheck):\n    gradcheck(relu, wrong_backward, x)\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [">       gradcheck(relu, wrong_backward, x)", "E*gradcheck wrong_backward: FAIL", "E*FAIL"]
    )
    said = result.stdout.str()
    assert "minires_pytest.py" not in said
    assert "check.py" not in said


def test_what_the_code_raises_is_shown_without_our_lines(run):
    result = run("def test_pair(gradcheck):\n    gradcheck(relu, relu_backward, 'text')\n")
    result.assert_outcomes(failed=1)
    said = result.stdout.str()
    assert "return np.maximum(x, 0)" in said or "E " in said
    assert "pair.py" not in said
    assert "minires_pytest.py" not in said


def test_vacuous_fails_unless_it_is_allowed(run):
    zero = "lambda x: 0 * x, lambda dy, x: 0 * dy, x"
    run(
        f"def test_refused(gradcheck):\n    gradcheck({zero})\n"
        f"def test_allowed(gradcheck):\n    gradcheck({zero}, allow='VACUOUS')\n"
        f"def test_still(gradcheck):\n    gradcheck(relu, wrong_backward, x, allow=['VACUOUS'])\n"
    ).assert_outcomes(passed=1, failed=2)


def test_no_other_verdict_is_allowed(run):
    result = run("def test_it(gradcheck):\n    gradcheck(relu, relu_backward, x, allow='FAIL')\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*allow: expected 'UNDECIDED' or 'VACUOUS'*"])


def test_fixtures_names_of_the_users_come_first(run):
    run(
        "import pytest\n"
        "@pytest.fixture\ndef gradcheck():\n    return 'mine'\n"
        "def test_it(gradcheck):\n    assert gradcheck == 'mine'\n"
    ).assert_outcomes(passed=1)


def test_the_plugin_imports_neither_minires_nor_numpy():
    code = (
        "import sys, minires_pytest; "
        "print([m for m in ('numpy', 'numba', 'minires', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True, timeout=100
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_under_xdist(run):
    result = run(
        "def test_right(gradcheck):\n    gradcheck(relu, relu_backward, x)\n"
        "def test_wrong(gradcheck):\n    gradcheck(relu, wrong_backward, x)\n",
        "-n2",
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E*gradcheck wrong_backward: FAIL"])

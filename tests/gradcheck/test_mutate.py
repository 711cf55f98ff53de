"""`minires mutate` on small projects: what survives, what kills it, and what stays as it was."""

import _thread
import json
import os
import subprocess
import sys
import textwrap

import pytest

from minires.__main__ import main
from minires.gradcheck.mutation import run as running
from minires.gradcheck.mutation.run import Run
from minires.gradcheck.mutation.workers import Broken

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")

LAYERS = """
    import numpy as np


    def affine(x, w, b):
        return x @ w + b


    def affine_backward(dy, x, w, b):
        dx = dy @ w.T
        dw = x.T @ dy
        return dx, dw, dy.sum(axis=0)
"""
WEAK = """
    import numpy as np
    from my_layers import affine, affine_backward

    def test_with_ones_and_equal_sizes():
        rng = np.random.default_rng(0)
        x, w, b = rng.random((3, 3)), rng.random((3, 3)), rng.random(3)
        dx, dw, db = affine_backward(np.ones((3, 3)), x, w, b)
        for i, g, a in ((0, dx, x), (1, dw, w), (2, db, b)):
            e = np.zeros(a.shape)
            e.flat[0] = 1e-6
            there = [v + e * (k == i) for k, v in enumerate((x, w, b))]
            change = (affine(*there) - affine(x, w, b)).sum() / 1e-6
            assert np.isclose(g.flat[0], change, rtol=1e-4)
"""
STRONG = """
    import numpy as np
    from minires.gradcheck import check_backward
    from my_layers import affine, affine_backward

    def test_by_the_checker():
        rng = np.random.default_rng(0)
        x, w, b = (rng.standard_normal(shape) for shape in ((5, 4), (4, 3), 3))
        assert check_backward(affine, affine_backward, x, w, b).ok
"""


def project(folder, layers, tests):
    (folder / "tests").mkdir(parents=True)
    (folder / "my_layers.py").write_text(textwrap.dedent(layers), encoding="utf-8")
    (folder / "tests" / "test_it.py").write_text(textwrap.dedent(tests), encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def few_plugins(monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def contents(folder):
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def weak(tmp_path, monkeypatch):
    monkeypatch.chdir(project(tmp_path / "weak", LAYERS, WEAK))
    return tmp_path / "weak"


def test_survivors_are_named_with_a_test_that_kills_each(weak, capsys):
    before = contents(weak)
    assert main(["mutate", "tests", "--target", "my_layers.py", "--json"]) == 1
    assert contents(weak) == before  # no byte of the user's, no .pyc, no cache
    document = json.loads(capsys.readouterr().out)
    alive = {(m["before"], m["after"]): m for m in document["mutants"] if m["status"] == "survived"}
    assert ("return dx, dw, dy.sum(axis=0)", "return dx, (-dw), dy.sum(axis=0)") not in alive
    ones = alive["dx = dy @ w.T", "dx = (0 * dy + 1) @ w.T"]
    assert ones["family"] == "missing upstream dy"
    assert document["score"] == pytest.approx(
        document["counts"]["killed"] / (document["counts"]["killed"] + len(alive))
    )
    original = (weak / "my_layers.py").read_text("utf-8")
    for m in alive.values():
        assert "check_backward(affine, affine_backward, x, w, b)" in m["kills"]
        assert runs(m["kills"], original)
        assert not runs(m["kills"], original.replace(m["before"], m["after"]))


def runs(test, layers):
    """Say whether the text of a test passes when `my_layers` is this text."""
    space = {}
    exec(layers, space)
    exec(test.replace("from my_layers import", "# "), space)
    try:
        space["test_affine_backward"]()
    except AssertionError:
        return False
    return True


@pytest.mark.slow
def test_a_strong_suite_leaves_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(project(tmp_path, LAYERS, STRONG))
    assert main(["mutate", "tests", "--target", "my_layers.py", "--html", "out/page.html"]) == 0
    assert "mutation score 100.0%" in capsys.readouterr().out
    assert "mutation score 100.0%" in (tmp_path / "out" / "page.html").read_text("utf-8")


def test_tests_that_fail_without_a_mutant_are_refused(weak, capsys):
    test = weak / "tests" / "test_it.py"
    test.write_text(test.read_text("utf-8") + "    assert 1 == 2\n", "utf-8")
    assert main(["mutate", "tests", "--target", "my_layers.py"]) == 2
    said = capsys.readouterr().err
    assert "must pass before they can be judged" in said
    assert "assert 1 == 2" in said
    test.write_text("import nowhere_to_be_found\n", "utf-8")
    with pytest.raises(Broken, match="nowhere_to_be_found"):
        Run(["tests"], ["my_layers.py"]).go()


HANGS = """
    import os

    def steps(n):
        return n * n

    def steps_backward(dy, n):
        k = total = 0
        while k < n:
            k += 1
            total += 2 * dy
        if k != n:
            os.abort()
        return total
"""


def test_hangs_and_crashes_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(
        project(
            tmp_path,
            HANGS,
            "from my_layers import *\ndef test(): assert steps_backward(1, 3) == 6\n",
        )
    )
    monkeypatch.setattr(running, "SPARE", 0.0)
    run = Run(["tests"], ["my_layers.py"])
    returned = next(m.change() for m in run.mutants if m.change()[0] == "return total")
    wanted = [("k += 1", "k -= 1"), ("k += 1", "k += 2"), returned]
    run.mutants = [m for m in run.mutants if m.change() in wanted]
    report = run.go()
    found = {o.mutant.change(): o.verdict for o in report.outcomes}
    assert found["k += 1", "k -= 1"] == "timeout"
    assert found["k += 1", "k += 2"] == "crash"
    assert found[returned] == "killed"
    assert "by crash" in report.summary()
    assert "by timeout" in report.summary()


def test_a_new_process_imports_the_mutated_text(tmp_path, monkeypatch):
    """A change outside of functions cannot be put into a process that runs."""
    layers = "def double_backward(dy, factor=lambda g: 2 * g): return factor(dy)\n"
    test = "from my_layers import *\ndef test(): assert double_backward(3) == 6\n"
    monkeypatch.chdir(project(tmp_path, layers, test))
    before = contents(tmp_path)
    found = Run(["tests"], ["my_layers.py"], ["*lambda*"], maximum=1).go(witnesses=False)
    found_too = Run(["tests"], ["my_layers.py"], maximum=1, new_processes=True).go()
    assert [o.verdict for o in [*found.outcomes, *found_too.outcomes]] == ["killed"] * 2
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_a_run_goes_on_after_an_interrupt(weak):
    state = weak / "state.jsonl"

    def stop_after_three(line):
        if line.lstrip().startswith("3/"):
            _thread.interrupt_main()

    first = Run(["tests"], ["my_layers.py"], state=state, progress=stop_after_three).go()
    assert first.interrupted
    assert 3 <= len(first.outcomes) < first.planned
    lines = []
    second = Run(["tests"], ["my_layers.py"], state=state, jobs=2, progress=lines.append)
    assert len(second.go(witnesses=False).outcomes) == second.generated
    assert sum("/" in line for line in lines) == second.generated - len(first.outcomes)
    test = weak / "tests" / "test_it.py"
    test.write_text(
        test.read_text("utf-8") + "\n", "utf-8"
    )  # other tests: nothing is known any more
    assert not Run(["tests"], ["my_layers.py"], state=state).state.rows


@pytest.mark.slow
def test_limits(weak):
    runs = [Run(["tests"], ["my_layers.py"], maximum=4, seed=s) for s in (0, 0, 1)]
    a, b, c = ([m.id for m in r.mutants] for r in runs)
    assert len(a) == 4
    assert a == b != c
    report = Run(["tests"], ["my_layers.py"]).go(seconds=0)
    assert report.score is None
    assert not report.outcomes


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--target", "nowhere.py"], "nowhere.py"),
        (["--target", "my_layers.py", "--function", "relu"], "affine_backward"),
        (["--target", "tests/test_it.py"], "name functions with --function"),
        (["--target", "my_layers.py", "--threshold", "70"], "from 0 to 1"),
    ],
)
def test_wrong_calls_say_why(weak, arguments, told, capsys):
    assert main(["mutate", "tests", *arguments]) == 2
    assert told in capsys.readouterr().err


COMPILED = """
    import numba
    import numpy as np

    @numba.njit(cache=True)
    def _slope(x):
        return 2 * x

    @numba.njit(cache=True)
    def _grad_loop(dy, x, dx):
        for i in range(x.size):
            dx[i] = dy[i] * _slope(x[i])

    def square_backward(dy, x):
        dx = np.empty_like(x)
        _grad_loop(dy, x, dx)
        return dx
"""


@pytest.mark.slow
def test_compiled_functions_run_the_mutated_source(tmp_path, monkeypatch):
    """What Numba has kept on disk is neither used nor written to; callers are compiled anew."""
    pytest.importorskip("numba")
    test = """
        import numpy as np
        from my_layers import square_backward

        def test_it():
            assert np.array_equal(square_backward(np.ones(2), np.array([1.0, 3.0])), [2, 6])
    """
    monkeypatch.chdir(project(tmp_path, COMPILED, test))
    code = "import numpy as np, my_layers as m; m.square_backward(np.ones(2), np.ones(2))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    before = contents(tmp_path)
    assert any(name.endswith(".nbi") for name in before)
    run = Run(["tests"], ["my_layers.py"], ["_slope", "_grad_loop"], maximum=6)
    report = run.go(witnesses=False)
    changes = [o.mutant.change() for o in report.of("killed")]
    assert any("return" in a for a, _ in changes)  # of what compiled code calls
    assert any("dx[i]" in a for a, _ in changes)
    assert contents(tmp_path) == before

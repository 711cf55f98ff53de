"""The diagnosis names the line of a wrong backward pass, and what mends it."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest

from minires.gradcheck import check_backward
from minires.gradcheck.diagnosis import Finding, doctor
from minires.gradcheck.diagnosis.reaching import repeatable

RNG = np.random.default_rng(3)
X, W, B = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), RNG.standard_normal(2)


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Let a busy machine take its time: what is limited is the processor's."""
    monkeypatch.setattr(doctor, "WALL", 80.0)


def dense(x, w, b):
    return np.tanh(x @ w + b)


def dense_sign(dy, x, w, b):
    y = np.tanh(x @ w + b)
    dz = dy * (1 + y**2)  # the derivative of tanh
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def dense_unsummed(dy, x, w, b):
    y = np.tanh(x @ w + b)
    dz = dy * (1 - y**2)
    db = dz.mean(axis=0)
    return dz @ w.T, x.T @ dz, db


def dense_no_dy(dy, x, w, b):
    y = np.tanh(x @ w + b)
    dz = 1 - y**2
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def dense_exchanged(dy, x, w, b):
    dz = dy * (
        1  # of the tanh
        - np.tanh(x @ w + b) ** 3
    )
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def slope(y):
    return 1 - y


def dense_helper(dy, x, w, b):
    dz = dy * slope(np.tanh(x @ w + b))
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


CASES = [
    (dense_sign, 3, "dz = dy * (1 - y**2)", "sign"),
    (dense_unsummed, 4, "db = dz.sum(axis=0)", "wrong scale"),
    (dense_no_dy, 3, "dz = (1 - y**2) * dy", "missing upstream dy"),
    pytest.param(
        dense_exchanged, 4, "- np.tanh(x @ w + b) ** 2", "wrong factor", marks=pytest.mark.slow
    ),
]


@functools.cache
def checked(backward):
    """Check once, for several tests of the same findings."""
    return check_backward(dense, backward, X, W, B)


def mended(function, finding: Finding):
    """Put `after` for `before` at each line of the source that `inspect.getsource` shows."""
    lines = inspect.getsource(function).splitlines(keepends=True)
    for line, before, after in sorted(finding.edits, reverse=True):
        pad = "\n" + lines[line - 1][: lines[line - 1].index(before.splitlines()[0])]
        rest = "".join(lines[line - 1 :])
        new = rest.replace(before.replace("\n", pad), after.replace("\n", pad), 1)
        lines[line - 1 :] = [new]
    space = dict(function.__globals__)
    exec(textwrap.dedent("".join(lines)), space)
    return space[function.__name__]


@pytest.mark.parametrize(("backward", "line", "after", "family"), CASES)
def test_the_line_the_text_and_the_family(backward, line, after, family):
    report = checked(backward)
    found = report.diagnosis[0]
    assert (found.line, found.after, found.family) == (line, after, family)
    assert found.function == backward.__name__
    assert Path(found.file) == Path(__file__)
    source, first = inspect.getsourcelines(backward)
    assert found.before in source[line - 1]
    assert found.number == first + line - 1
    assert found.after in str(report)


@pytest.mark.parametrize("backward", [dense_sign, dense_unsummed, dense_no_dy])
def test_every_finding_is_a_substitution_that_passes(backward):
    for finding in checked(backward).diagnosis:
        assert check_backward(dense, mended(backward, finding), X, W, B).verdict == "PASS"
        assert "lesson" in finding.text


@pytest.mark.slow
def test_a_helper_of_the_same_module_is_searched_too():
    found = checked(dense_helper).diagnosis
    first = next(f for f in found if f.function == "slope")
    assert (first.line, first.before) == (2, "return 1 - y")


def test_nothing_is_looked_for_in_a_right_backward():
    def right(dy, x, w, b):
        dz = dy * (1 - np.tanh(x @ w + b) ** 2)
        return dz @ w.T, x.T @ dz, dz.sum(axis=0)

    report = check_backward(dense, right, X, W, B)
    assert report.ok
    assert report.diagnosis == []
    assert report.diagnosis.tried == 0


def looping(dy, x, w, b):
    count = 0
    while count != len(x):  # with another step it never ends
        count += 1
    dz = dy * (1 + np.tanh(x @ w + b) ** 2)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


def hungry(dy, x, w, b):
    scratch = np.zeros(len(x) ** 6)  # with another exponent it needs more memory than there is
    dz = dy * (1 + np.tanh(x @ w + b) ** 2) + scratch[0]
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("backward", [looping, hungry])
def test_a_change_that_never_ends_costs_only_itself(backward):
    found = check_backward(dense, backward, X, W, B).diagnosis
    assert "(1 - np.tanh(x @ w + b) ** 2)" in found[0].after


COUNT = np.zeros(1)


def test_a_candidate_cannot_write_print_or_change_globals(tmp_path, capfd):
    path = tmp_path / "log.txt"
    path.write_text("before", encoding="utf-8")

    def noisy(dy, x, w, b):
        COUNT[0] += 1
        print("noise")
        with contextlib.suppress(OSError):
            path.write_text("after", encoding="utf-8")
        dz = dy * (1 + np.tanh(x @ w + b) ** 2)
        return dz @ w.T, x.T @ dz, dz.sum(axis=0)

    report = check_backward(dense, noisy, X, W, B)
    path.write_text("before", encoding="utf-8")
    seen = COUNT[0]
    capfd.readouterr()
    assert "1 - np.tanh" in report.diagnosis[0].after
    assert path.read_text(encoding="utf-8") == "before"
    assert COUNT[0] == seen
    assert capfd.readouterr().out == ""


def test_without_child_processes_the_search_runs_here(monkeypatch):
    monkeypatch.setattr(doctor, "can_fork", lambda: False)
    found = check_backward(dense, dense_sign, X, W, B).diagnosis
    assert found[0].after == "dz = dy * (1 - y**2)"


def test_without_child_processes_code_that_reaches_outside_is_not_changed(monkeypatch):
    monkeypatch.setattr(doctor, "can_fork", lambda: False)

    def saving(dy, x, w, b):
        if dy is None:
            np.save("gradient.npy", x)
        return dy @ w.T, x.T @ dy, dy.sum(axis=0)

    found = check_backward(dense, saving, X, W, B).diagnosis
    assert not found
    assert "it calls save" in found.note


@pytest.mark.slow
def test_a_lambda():
    scale = 2.5
    found = check_backward(lambda x: scale * np.sin(x), lambda dy, x: scale * dy * np.sin(x), X)
    assert "np.cos(x)" in found.diagnosis[0].after


@pytest.mark.slow
def test_a_closure_and_a_method():
    scale = 2.5

    def inner(dy, x):
        return scale * dy * np.sin(x)

    found = check_backward(lambda x: scale * np.sin(x), inner, X).diagnosis
    assert found[0].after == "return scale * dy * np.cos(x)"

    class Sine:
        factor = 2.0

        def forward(self, x):
            return self.factor * np.sin(x)

        def backward(self, dy, x):
            return self.factor * dy * np.sin(x)

    layer = Sine()
    found = check_backward(layer.forward, layer.backward, X).diagnosis
    assert found[0].after == "return self.factor * dy * np.cos(x)"


def test_no_source_is_said():
    space = {"np": np}
    exec("def backward(dy, x):\n    return dy * np.sin(x)", space)
    report = check_backward(np.sin, space["backward"], X)
    assert not report.diagnosis
    assert "no line is named" in str(report)


def test_what_a_backward_does_to_the_world_is_not_done_once_more(tmp_path):
    """The terms of a backward are evaluated in this process, but none that acts."""
    calls = []

    def backward(dy, x):
        with (tmp_path / "log").open("a", encoding="utf-8") as file:
            n = file.write("x")
        calls.append(n)
        return x * dy * n

    before = check_backward(lambda x: x * x, backward, np.array([0.5, -1.0, 2.0]))
    written = (tmp_path / "log").stat().st_size
    assert written == len(calls)
    _ = before.diagnosis
    assert (tmp_path / "log").stat().st_size == written


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("np.add(a, b) * dy", True), ("cache[0].sum(axis=0)", True), ("os.fork()", False),
        ("done.append(1)", False), ("open(p).read()", False), ("(n := n + 1)", False),
        ("next(it)", False), ("np.fill(a, 0)", False),
    ],
)  # fmt: skip
def test_which_expressions_may_be_evaluated_again(text, again):
    assert repeatable(ast.parse(text, mode="eval")) is again


def test_a_machine_without_the_memory_is_no_mistake_of_a_line():
    def backward(dy, x):
        raise MemoryError("no room")
        return dy

    report = check_backward(lambda x: 2 * x, backward, np.ones(2))
    assert report.error is not None
    assert report.error.startswith("MemoryError: no room")
    assert len(report.diagnosis) == 0


def test_a_step_function_gets_no_diagnosis():
    report = check_backward(lambda x: np.round(x), lambda dy, x: dy, np.array([-0.3, -1.2, -2.3]))
    assert report.verdict != "PASS"
    assert len(report.diagnosis) == 0
    assert "piecewise constant" in str(report)


def test_what_was_not_tried_is_not_denied(tmp_path):
    """A search without time, or of code that may not run, does not say that no change helps."""
    subject = check_backward(lambda x: x * x, lambda dy, x: x * dy**3, X).subject
    assert "no time to try every change" in doctor.diagnose(subject, seconds=0.0).note

    def writes(dy, x):
        if not (tmp_path / "log").write_text("x", encoding="utf-8"):
            return dy
        return x.shape[0] * x * dy**3

    assert "it calls write_text" in check_backward(lambda x: x * x, writes, X).diagnosis.note


def tanh_slope(z):
    return 1 + np.tanh(z) ** 2


def test_mistakes_in_two_functions_are_told_together():
    def backward(dy, x, w):
        z = x * 2
        return 2 * (dy @ w.T) * tanh_slope(z), np.tanh(z).T @ dy * 3

    report = check_backward(lambda x, w: np.tanh(x * 2) @ w, backward, X, W)
    assert len(report.diagnosis) == 0  # no change of one place mends it
    note = report.diagnosis.note
    assert note.startswith("wrong in two functions; together")
    assert "`return 1 + np.tanh(z) ** 2` → `return 1 - np.tanh(z) ** 2`" in note
    assert "in tanh_slope" in note
    assert "in backward" in note

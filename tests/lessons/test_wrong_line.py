"""Exercises that name the wrong line of a backward pass, and the kind of mistake, not the fix."""

import contextlib
import io
import linecache

import numpy as np
import pytest

from minires.__main__ import main
from minires.gradcheck import check_backward
from minires.gradcheck.diagnosis.rules import RULES
from minires.lessons import wrong_line
from minires.lessons.checking import check_file
from minires.lessons.exercise import examine
from minires.lessons.kit import exercises
from minires.lessons.passes import PASSES


def relu_backward(dy, x):
    """The mask is the wrong way round."""
    return dy * (x < 0)


def linear_backward(dy, x, w):
    n = len(x)
    dx = dy @ w
    dw = dy.T @ x / n
    return dx, dw, dy.sum(axis=0)


def divide_backward(dy, c, v):
    sigma = np.sqrt(v + 1e-5)
    dc = dy / sigma
    dv = (dy * c).sum(axis=0) * 0.5 / sigma**3
    return dc, dv


def sum_of_paths(ds, branch_backward):
    return branch_backward(ds)


def nonsense(dy, c, v):
    return np.sort(c, axis=None).reshape(c.shape), np.full_like(v, 0.123)


def raising(dy, c, v):
    raise KeyError("lost")


def unwritten(dy, c, v):
    return None


def exercise(name):
    return exercises(int(name.split(".")[0]))[name]


@pytest.mark.parametrize(
    ("name", "f", "line", "family", "fix"),
    [
        ("1.5", relu_backward, 2, "wrong mask/branch", "x > 0"),
        pytest.param(
            "1.6", linear_backward, 3, "wrong scale", "dy.T @ x\n", marks=pytest.mark.slow
        ),
        pytest.param("1.9", divide_backward, 3, "sign", "-0.5", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_answer_names_its_line_and_kind_but_not_the_fix(name, f, line, family, fix):
    result = examine(name, exercise(name), f)
    assert result.verdict == "FAIL"
    assert result.lineno == f.__code__.co_firstlineno + line
    assert result.source == linecache.getline(__file__, result.lineno).strip()
    assert wrong_line.KINDS[family] in result.message
    assert fix not in result.message


@pytest.mark.parametrize("f", [nonsense, raising, unwritten])
def test_silence_where_nothing_is_sure(f):
    result = examine("1.9", exercise("1.9"), f)
    assert result.verdict in ("FAIL", "TODO")
    assert "this line is wrong" not in result.message


@pytest.mark.parametrize("name", list(PASSES))
def test_the_reference_solutions_agree_with_the_forward_passes(name):
    passes, reference = PASSES[name], exercise(name).reference
    inputs = passes.inputs(np.random.default_rng(3))
    report = check_backward(passes.forward, reference, *inputs)
    assert {row.verdict for row in report.rows} == {"PASS"}, str(report)


FILE = """from minires.lessons import Lesson
import numpy as np

lesson = Lesson(1)


@lesson.exercise("1.5")
def relu_backward(dy, x):
    kept = x < 0
    return dy * kept


# %%
@lesson.exercise("1.7")
def centre_backward(dc):
    while dc.sum() > 1e9:
        dc = dc / 2
    return dc + dc.mean(axis=0)


# %%
@lesson.exercise("1.8")
def variance_backward(dv, c):
    return 2 * c * dv


# %%
from minires.gradcheck import check_backward

print(check_backward(lambda x: x**2, lambda dy, x: x * dy, np.ones(3)))
done = True
"""


def test_a_file_that_is_checked_tells_the_line_too(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    report = check_file(path)
    results = report.results
    assert report.problems == []
    assert (results["1.5"].lineno, results["1.5"].source) == (9, "kept = x < 0")
    assert wrong_line.KINDS["wrong mask/branch"] in results["1.5"].message
    assert results["1.7"].source == "return dc + dc.mean(axis=0)"
    assert results["1.7"].verdict == "FAIL"
    assert results["1.8"].source == "return 2 * c * dv"


def test_what_another_process_says_is_looked_at():
    assert wrong_line.received(5, "sign", [6], range(4, 9)) == wrong_line.WrongLine(5, "sign", (6,))
    for line, family, others in [
        (3, "sign", []), (9, "sign", []), (5, "<script>", []), ("5", "sign", []),
        (5, "sign", ["x"]), (5, "sign", 7), (0, "", []), (True, "sign", []), (5, [], []),
    ]:  # fmt: skip
        assert wrong_line.received(line, family, others, range(4, 9)) is None


def test_the_second_hint_names_the_own_line_and_the_third_shows_the_change(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text(FILE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["lessons", "check", "--file", "mine.py"]) == 1
    shown = []
    for _ in range(3):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert main(["lessons", "hint", "1", "1.5", "--file", "mine.py"]) == 0
        shown.append(out.getvalue())
    assert "In your code" not in shown[0]
    kind = wrong_line.KINDS["wrong mask/branch"]
    assert f"In your code, line 9: {kind}" in shown[1]
    assert "->" not in shown[1]
    assert "     | kept = x < 0\n  -> | kept = x >" in shown[2]


def test_a_hint_shows_no_text_that_a_terminal_would_obey():
    kept = [9, "sign", "a", "b\x1b[2J"]
    assert wrong_line.own_hint(kept, 3) == wrong_line.own_hint(kept, 2) != ""
    kept = [[9, "?", "a", "b"], ["9", "sign", "a", "b"], [], None, [0, "", "", ""]]
    for damaged in kept:
        assert wrong_line.own_hint(damaged, 3) == ""


def test_every_family_has_its_words():
    assert set(RULES) <= set(wrong_line.KINDS)

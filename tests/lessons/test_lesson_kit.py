"""The lesson kit and its commands."""

import json
import sys

import pytest

from minires.__main__ import main
from minires.lessons import Lesson, kit
from minires.lessons.exercise import expect_array, expect_number


@pytest.fixture(autouse=True)
def sandbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lesson"])
    monkeypatch.delenv("MINIRES_FAST", raising=False)


def call(*arguments):
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


def test_parameters_come_from_the_terminal(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--depths=(4,8)", "--seeds=5"])
    p = Lesson(2).params(depths=(1,), seeds=3, rate=0.1)
    assert (p.depths, p.seeds, p.rate) == ((4, 8), 5, 0.1)
    for wrong in (["--nonsense=1"], ["seeds=3"], ["--seeds"], ["--seeds=many"], ["--depths=3"]):
        monkeypatch.setattr(sys, "argv", ["x", *wrong])
        with pytest.raises(SystemExit, match=r"seeds|depths"):
            Lesson(2).params(depths=(1,), seeds=3)


def test_a_notebooks_command_line_is_ignored(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher", "-f", "kernel.json"])
    monkeypatch.setattr(kit, "in_notebook", lambda: True)
    assert Lesson(2).params(seeds=3).seeds == 3


def test_fast_parameters(monkeypatch):
    monkeypatch.setenv("MINIRES_FAST", "1")
    assert Lesson(2).params(seeds=3, fast={"seeds": 1}).seeds == 1


def test_a_failing_exercise_is_replaced_by_the_reference(capsys):
    lesson = Lesson(1)
    wrong = lesson.exercise("1.2")(lambda dy, x: dy)
    printed = capsys.readouterr().out
    assert "[TODO] exercise 1.2" in printed
    assert "worst entry" in printed
    assert "numeric" in printed
    assert wrong(2.0, -1.0) == 0.0
    right = lesson.exercise("1.2")(lambda dy, x: (x > 0) * dy)
    assert "[PASS]" in capsys.readouterr().out
    assert [passed for _, passed, _ in lesson.results] == [False, True]
    assert right is not wrong
    lesson.exercise("1.2")(lambda dy: 1 / 0)
    assert "[TODO]" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"1\.1"):
        lesson.exercise("9.9")


def test_predictions_are_recorded_before_and_revealed_after(capsys, tmp_path):
    lesson = Lesson(2)
    assert lesson.predict("a", "how many?") is None
    assert not (tmp_path / "answers").exists()
    assert lesson.predict("a", "how many?", mine=3) == 3
    assert json.loads((tmp_path / "answers" / "L02.json").read_text()) == {"a": 3}
    assert Lesson(2).predict("a", "how many?") == 3
    Lesson(2).reveal("a", "4")
    assert "measured 4; predicted 3" in capsys.readouterr().out
    (tmp_path / "answers" / "L02.json").write_text("{broken")
    with pytest.raises(SystemExit, match="mend or remove"):
        Lesson(2).predict("a", "how many?")


def test_messages_name_the_worst_entry():
    import numpy as np

    with pytest.raises(AssertionError, match=r"worst entry \(1,\): yours \+5, expected \+2"):
        expect_array(np.array([1.0, 5.0]), np.array([1.0, 2.0]))
    with pytest.raises(AssertionError, match="shape"):
        expect_array(np.zeros(3), np.zeros(2))
    with pytest.raises(AssertionError, match="expected a number"):
        expect_number("many", 1.0)


def test_commands(tmp_path, capsys):
    assert call("lessons", "list") == 0
    assert "The degradation problem" in capsys.readouterr().out
    assert call("lessons", "hint", "1", "1.2") == 0
    assert "positive" in capsys.readouterr().out
    assert call("lessons", "copy", "mine", "--student") == 0
    assert call("lessons", "copy", "mine") == 2
    assert "--force" in capsys.readouterr().err
    mine = tmp_path / "mine" / "lesson_01_gradient_checking.py"
    assert "# TODO" in mine.read_text()
    assert call("lessons", "check", "1", "--file", str(mine)) == 1
    assert "0 of 6 solved" in capsys.readouterr().out
    assert call("lessons", "check", "1", "--json") == 0
    assert all(e["passed"] for e in json.loads(capsys.readouterr().out)["exercises"].values())
    assert call("lessons", "notebook", "1", "-o", "one.ipynb") == 0
    assert call("lessons", "notebook", "1", "-o", "one.ipynb") == 2
    assert json.loads((tmp_path / "one.ipynb").read_text())["nbformat"] == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lessons", "run", "77"], "there are 1, 2, 5"),
        (["lessons", "hint", "1", "9.9"], "1.1, 1.2"),
        (["lessons", "check", "1", "--file", "nowhere.py"], "nowhere.py"),
        (["lessons", "run", "one"], "invalid int"),
    ],
)
def test_wrong_calls(arguments, message, capsys):
    assert call(*arguments) == 2
    assert message in capsys.readouterr().err


def test_a_copy_that_breaks_is_reported(tmp_path, capsys):
    broken = tmp_path / "broken.py"
    broken.write_text("from minires.lessons import Lesson\nlesson = Lesson(1)\n1 / 0\n")
    assert call("lessons", "check", "1", "--file", str(broken)) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    broken.write_text("x = 1\n")
    assert call("lessons", "check", "1", "--file", str(broken)) == 2

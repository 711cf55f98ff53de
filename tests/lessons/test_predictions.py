"""Predictions: recorded before the result, of the right type, asked for where somebody answers."""

import io
import json
import sys
from pathlib import Path

import pytest

from minires.lessons import Lesson, desk


def test_predictions_are_recorded_before_and_revealed_after(capsys, tmp_path):
    lesson, saved = Lesson(2), tmp_path / "answers" / "progress.json"
    assert lesson.predict("a", "how many?") is None
    assert not saved.exists()
    assert lesson.predict("a", "how many?", mine=3) == 3
    assert json.loads(saved.read_text(encoding="utf-8"))["2"]["predictions"] == {"a": 3}
    assert Lesson(2).predict("a", "how many?") == 3
    lesson.reveal("a", "4")
    assert "measured 4; predicted 3\n" in capsys.readouterr().out
    lesson.reveal("a", "4", 4)
    assert "measured 4; predicted 3 (25 % too low)" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"no predict\('b'"):
        lesson.reveal("b", "4")


@pytest.mark.parametrize(
    "text", ["{broken", "[]", '{"2": 3}', '{"2": {"predictions": []}}', "\x00"]
)
def test_a_file_of_progress_that_is_none_is_not_overwritten(text, tmp_path):
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "progress.json").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="mend or remove"):
        Lesson(2).predict("a", "how many?", mine=3)
    assert (tmp_path / "answers" / "progress.json").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("choices", "mine", "value", "verdict"),
    [
        ((), 0.5, 0.5, "right within half a per cent"),
        ((), 0.6, 0.5, "20 % too high"),
        ((), 50, 0.5, "too high by a factor of 1e+02"),
        ((), 0.1, 0.5, "too low by a factor of 5"),
        ((), -1, 0.5, "off by -1.5"),
        ((), 0, 0, "exactly right"),
        (("up", "down"), "up", "up", "right"),
        (("up", "down"), "up", "down", "not so: down"),
    ],
)
def test_how_far_off_a_prediction_was(choices, mine, value, verdict, capsys):
    lesson = Lesson(2)
    lesson.predict("a", "what?", choices, mine)
    lesson.reveal("a", "m", value)
    assert f"({verdict})" in capsys.readouterr().out


def test_what_was_asked_otherwise_before_is_asked_again():
    Lesson(2).predict("a", "how many?", mine=3)
    assert Lesson(2).predict("a", "up or down?", ("up", "down")) is None


@pytest.mark.parametrize("mine", ["banana", True, "nan", float("inf"), "1/3"])
def test_a_prediction_is_a_number(mine):
    with pytest.raises(SystemExit, match=r"expected a number, e.g. 0.5 or 1e-8; got"):
        Lesson(2).predict("a", "how many?", mine=mine)
    assert not Path("answers").exists()


@pytest.mark.parametrize(
    ("mine", "found"),
    [
        ("it Explodes", "it explodes"),
        ("expl", "it explodes"),
        (1, "it vanishes"),
        ("2", "it explodes"),
    ],
)
def test_a_prediction_is_one_of_the_choices(mine, found):
    choices = "it vanishes", "it explodes"
    assert Lesson(2).predict("a", "what?", choices=choices, mine=mine) == found
    for wrong in ("maybe", "it", "", "3", 0, True):
        with pytest.raises(SystemExit, match=r"1 to 2, or the words 'it v.*' or 'it e.*'; got"):
            Lesson(2).predict("a", "what?", choices=choices, mine=wrong)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("typed", "found"), [("", None), ("\n", None), ("banana\n 3e-5\n", 3e-5), ("banana\n", None)]
)
def test_predictions_on_a_terminal_and_its_end(typed, found, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    monkeypatch.setattr(desk, "is_terminal", lambda: True)
    assert Lesson(2).predict("a", "how many?") == found
    assert ("got 'banana'" in capsys.readouterr().out) == ("banana" in typed)


@pytest.mark.parametrize("stdin", [None, "closed"])
def test_no_prediction_without_input(stdin, monkeypatch):
    if stdin:
        stdin = Terminal("3")
        stdin.close()
    monkeypatch.setattr(sys, "stdin", stdin)
    assert Lesson(2).predict("a", "how many?") is None
    sys.stdin.close()

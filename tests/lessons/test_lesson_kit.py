"""The lesson kit and its commands."""

import _thread
import contextlib
import io
import json
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from minires import plotting
from minires.__main__ import main
from minires.lessons import Lesson, desk, figures, kit
from minires.lessons.exercise import Exercise, expect_array, require_written
from minires.lessons.progress import Progress


@pytest.fixture(autouse=True)
def sandbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["lesson"])
    for name in ("FAST", "OUT", "ANSWERS", "CHECK", "EXERCISE_SECONDS"):
        monkeypatch.delenv(f"MINIRES_{name}", raising=False)


def call(*arguments):
    try:
        return main(arguments)
    except SystemExit as stop:
        return stop.code


@pytest.mark.parametrize(
    ("text", "depths"), [("(4,8)", (4, 8)), ("4,8", (4, 8)), ("[4, 8]", (4, 8)), ("8", (8,))]
)
def test_parameters_come_from_the_terminal(text, depths, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", f"--depths={text}", "--seeds=5", "--rate=1"])
    p = Lesson(2).params(depths=(1,), seeds=3, rate=0.1)
    assert (p.depths, p.seeds, p.rate) == (depths, 5, 1)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--nonsense=1", "unknown parameter 'nonsense=1'; depths=8,20, seeds=3"),
        ("seeds", "unknown parameter 'seeds'; depths=8,20, seeds=3"),
        ("--seeds", "depths=8,20, seeds=3"),
        ("--seeds=many", "seeds: expected a positive whole number, e.g. seeds=3; got many"),
        ("--seeds=0", "positive whole number"),
        ("--seeds=-1", "positive whole number"),
        ("--seeds=1.5", "positive whole number"),
        ("--seeds=True", "positive whole number"),
        ("--seeds=1,2", "positive whole number"),
        ("--depths=()", "or several, e.g. depths=8,20"),
        ("--depths=8,x", "or several, e.g. depths=8,20"),
        ("--depths=8,-2", "or several, e.g. depths=8,20"),
    ],
)
def test_wrong_parameters(argument, message, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", argument])
    with pytest.raises(SystemExit, match=re.escape(message)):
        Lesson(2).params(depths=(8, 20), seeds=3)


def test_a_notebooks_command_line_is_ignored(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher", "-f", "kernel.json"])
    monkeypatch.setattr(desk, "in_notebook", lambda: True)
    assert Lesson(2).params(seeds=3).seeds == 3


def test_fast_parameters(monkeypatch):
    monkeypatch.setenv("MINIRES_FAST", "1")
    assert Lesson(2).params(seeds=3, fast={"seeds": 1}).seeds == 1


def test_full_parameters(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--full"])
    lesson = Lesson(2)
    assert lesson.full
    assert lesson.params(seeds=3, full={"seeds": 9}).seeds == 9
    monkeypatch.setattr(sys, "argv", ["x"])
    monkeypatch.setenv("MINIRES_FULL", "1")
    assert Lesson(2).params(seeds=3, full={"seeds": 9}).seeds == 9


def check_double(f):
    require_written(f(1.0))
    expect_array(f(np.array([1.0, 2.0])), np.array([2.0, 4.0]), "twice x")


DOUBLE = Exercise(check_double, lambda x: 2 * x, ("more", "twice", "two times x"))


@pytest.fixture
def doubling(monkeypatch):
    """Let lesson 1 have one exercise, 1.2: the double of a number."""
    monkeypatch.setattr(kit, "exercises", lambda number: {"1.2": DOUBLE})


def test_a_failing_exercise_is_replaced_by_the_reference(doubling, capsys):
    lesson = Lesson(1)
    wrong = lesson.exercise("1.2")(lambda x: x)
    printed = capsys.readouterr().out
    assert "[FAIL] exercise 1.2" in printed
    assert "minires lessons hint 1 1.2" in printed
    assert wrong(2.0) == 4.0
    assert (
        "1.2: shown with the reference solution; yours does not pass yet" in capsys.readouterr().out
    )
    right = lesson.exercise("1.2")(lambda x: x + x)
    assert capsys.readouterr().out == "[PASS] exercise 1.2: ok\n"
    assert Progress(Path()).of(1).solved == ["1.2"]
    assert right is not wrong
    unwritten = lesson.exercise("1.2")(lambda x: None)
    unwritten(2.0)
    unwritten(2.0)
    printed = capsys.readouterr().out
    assert "[TODO]" in printed
    assert printed.count("1.2: shown with the reference solution; yours is still to do") == 1
    assert [r.verdict for r in lesson.results] == ["FAIL", "PASS", "TODO"]
    with pytest.raises(ValueError, match=r"1\.2"):
        lesson.exercise("9.9")


def test_a_stand_in_says_so_in_each_cell(doubling, capsys, monkeypatch):
    place = [1]
    monkeypatch.setattr(desk.Desk, "place", lambda self: place[0])
    stand_in = Lesson(1).exercise("1.2")(lambda x: None)
    for place[0] in (1, 1, 2, 2, 2):
        stand_in(1.0)
    assert capsys.readouterr().out.count("shown with the reference solution") == 2


def test_hints_come_one_by_one_and_are_recorded(doubling, capsys):
    for expected in ("more", "twice", "two times x", "two times x"):
        Lesson(1).hint("1.2")
        assert capsys.readouterr().out.strip().endswith(expected)
    assert Progress(Path()).of(1).hints == {"1.2": 3}


class Unusual(BaseException):
    pass


def test_whatever_an_exercise_does_is_a_verdict(doubling, monkeypatch):
    def raises(error):
        def f(*arguments):
            raise error

        return f

    def endless(*arguments):
        while True:
            with contextlib.suppress(Exception):
                sum(range(10))

    monkeypatch.setenv("MINIRES_EXERCISE_SECONDS", "0.2")
    for f, message in (
        (raises(SystemExit(0)), "calls exit"),
        (raises(Unusual("odd")), "Unusual: odd"),
        (raises(RecursionError("deep")), "RecursionError: deep"),
        (endless, "stopped after 0.2 s: does a loop run for ever?"),
    ):
        lesson = Lesson(1)
        lesson.exercise("1.2")(f)
        assert lesson.results[0].verdict == "FAIL"
        assert message in lesson.results[0].message
    for _ in range(1000):
        pass  # an interrupt that comes too late would arrive here


def test_ctrl_c_names_the_exercise(doubling, capsys):
    def interrupted(x):
        _thread.interrupt_main()
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        Lesson(1).exercise("1.2")(interrupted)
    assert "[STOP] exercise 1.2" in capsys.readouterr().out


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
        with pytest.raises(SystemExit, match=r"expected 'it vanishes' or 'it explodes'; got"):
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


def test_folders_that_cannot_be_written_are_found_before_the_work(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    monkeypatch.setenv("MINIRES_OUT", "file")
    with pytest.raises(SystemExit, match="file is a file"):
        Lesson(2)
    monkeypatch.setenv("MINIRES_OUT", "out")
    monkeypatch.setenv("MINIRES_ANSWERS", "file")
    with pytest.raises(SystemExit, match="file"):
        Lesson(2).predict("a", "how many?", mine=3)
    for out in ("file", "file/below"):
        assert call("lessons", "run", "2", "--out", out) == 2
    for arguments in (["copy", "file"], ["notebook", "1", "-o", "."], ["copy", "file/x"]):
        assert call("lessons", *arguments) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "out"]


@pytest.mark.parametrize("name", ["FAST", "CHECK", "EXERCISE_SECONDS"])
def test_wrong_environment_variables_are_named(name, monkeypatch):
    monkeypatch.setenv(f"MINIRES_{name}", "yes")
    with pytest.raises(SystemExit, match=f"MINIRES_{name}: expected .* got 'yes'"):
        Lesson(2)


def test_curves_and_bars_write_what_they_show(tmp_path, capsys):
    lesson = Lesson(2)
    lesson.curves(
        "c", "It falls", [1, 2], {"plain": [[3.0, np.nan], [4.0, 5.0]]}, x="layers", y="loss (nats)"
    )
    lesson.curves(
        "p", "Both", [1, 2], {"a": {"k": [[1, 2]]}, "b": {"k": [[3, 4]]}}, x="layers", y="loss"
    )
    lesson.bars("b", "One", {"plain-8": [1.0, None], "other": [2.0, 3.0]}, x="error (%)")
    out = tmp_path / "out" / "lessons"

    def read(name):
        return (out / name).read_text(encoding="utf-8").splitlines()

    assert read("L02_c.csv") == [
        "curve,seed,layers,loss (nats)", "plain,0,1,3.0", "plain,0,2,nan", "plain,1,1,4.0",
        "plain,1,2,5.0",
    ]  # fmt: skip
    assert read("L02_p.csv")[1:] == ["a,k,0,1,1.0", "a,k,0,2,2.0", "b,k,0,1,3.0", "b,k,0,2,4.0"]
    assert read("L02_b.csv") == [
        "bar,seed,error (%)", "plain-8,0,1.0", "plain-8,1,", "other,0,2.0", "other,1,3.0",
    ]  # fmt: skip
    svg = (out / "L02_c.svg").read_text(encoding="utf-8")
    assert "1 values cannot be drawn" in svg
    assert ">layers<" in svg
    assert "It falls" in svg
    assert plotting.PLAIN.lower() in svg.lower()
    assert "figure: It falls" in capsys.readouterr().out


def test_plain_and_residual_have_their_colours_and_the_rest_is_grey():
    found = figures.looks({"plain-8": 0, "residual-8": 0, "theory": 0, "mine": 0}, "", ["mine"])
    colours = [colour.upper() for colour, _, _ in found.values()]
    assert colours[:2] == [plotting.PLAIN, plotting.RESIDUAL]
    assert colours[2].lower() in plotting.GREYS
    assert colours[3] == plotting.HIGHLIGHT
    shades = figures.looks({"6 layers": 0, "54 layers": 0}, "residual nets")
    assert shades["54 layers"][0].upper() == plotting.RESIDUAL
    assert len({look[0] for look in shades.values()}) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lessons", "run", "77"], "no lesson 77; there are 0, 1, 2"),
        (["lessons", "hint", "1", "9.9"], "1.1, 1.2"),
        (["lessons", "check", "1", "--file", "nowhere.py"], "nowhere.py does not exist"),
        (["lessons", "check", "1", "--file", "."], "is a folder"),
        (["lessons", "run", "1", "--file", "nowhere.py"], "nowhere.py does not exist"),
        (["lessons", "check", "1", "--seconds", "0"], "positive"),
        (["lessons", "run", "one"], "invalid int"),
        (["lessons", "run", "2", "--fast", "depths=a"], "depths: expected a positive whole number"),
    ],
)
def test_wrong_calls(arguments, message, capsys):
    assert call(*arguments) == 2
    assert message in capsys.readouterr().err

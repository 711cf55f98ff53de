"""The lesson kit and its commands."""

import _thread
import contextlib
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
        ("--nonsense=1", "unknown parameter 'nonsense=1'; this lesson has depths=8,20, seeds=3"),
        ("seeds", "unknown parameter 'seeds'; this lesson has depths=8,20, seeds=3"),
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


def test_parameters_of_a_browser(monkeypatch):
    monkeypatch.setenv("MINIRES_BROWSER", "1")
    assert Lesson(2).params(seeds=3, browser={"seeds": 2}).seeds == 2
    assert Lesson(2).params(seeds=3, fast={"seeds": 1}).seeds == 3
    monkeypatch.setenv("MINIRES_FAST", "1")
    assert Lesson(2).params(seeds=3, fast={"seeds": 1}, browser={"seeds": 2}).seeds == 1
    monkeypatch.delenv("MINIRES_BROWSER")
    monkeypatch.delenv("MINIRES_FAST")
    assert Lesson(2).params(seeds=3, browser={"seeds": 2}).seeds == 3


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


def test_pictures_say_what_they_show(tmp_path, overlapping):
    ramp = np.linspace(0, 1, 12).reshape(3, 4)
    rows = {
        "one": {"grey": (ramp, "21.4 dB"), "change": (0.2 * ramp - 0.1, "")},
        "two": {"grey": (np.stack([ramp] * 3, axis=2), "colour")},
    }
    figure = figures.pictures("Both", rows, signed=["change"])
    assert overlapping(figure) == []
    drawn = [axis.images[0] if axis.images else None for axis in figure.axes]
    assert drawn[0].get_clim() == (0, 1)
    low, high = drawn[1].get_clim()
    assert -low == high == pytest.approx(0.1, rel=0.02)  # so 0 is in the middle, grey
    assert drawn[2].get_array().shape == (3, 4, 3)
    assert drawn[3] is None
    assert [axis.get_title() for axis in figure.axes] == ["grey", "change", "", ""]
    assert "In change grey is 0, white +0.1, black -0.1." in figure.get_supxlabel()
    Lesson(2).pictures("p", "Both", rows, signed=["change"])
    words = figures.pictures_in_words(rows)
    assert words == "Pictures. one: grey (21.4 dB), change; two: grey (colour)."
    table = (tmp_path / "out" / "lessons" / "L02_p.csv").read_text(encoding="utf-8").splitlines()
    assert table[0] == "row,picture,caption,mean,deviation,lowest,highest"
    assert table[1].startswith("one,grey,21.4 dB,0.5,")
    assert len(table) == 4


class Site(desk.Desk):
    """Wants figures for narrow screens too, and keeps their words."""

    narrow = True

    def image(self, path, alt):
        self.alt = alt


def test_figures_for_narrow_screens_and_words_for_those_who_do_not_see(tmp_path, monkeypatch):
    here = Site()
    monkeypatch.setattr(desk, "in_runner", here)
    lesson = Lesson(2)
    panels = {"a": {"plain": [[1, 2], [3, 4]]}, "b": {"plain": [[np.nan, 3], [1, 4]]}}
    lesson.curves("c", "It rises", [8, 20], panels, x="layers", y="loss")
    assert here.alt == (
        "It rises. Curves of loss over layers. a, plain: 2 at 8 to 3 at 20; b, plain: 3.5 at 20."
    )
    lesson.bars("b", "One", {"plain-8": [None], "other": [2.0, None, 3.0]}, x="error (%)")
    assert here.alt == "One. Bars of error (%). plain-8: not finite; other: 2.5."
    written = {p.name for p in (tmp_path / "out" / "lessons").iterdir()}
    assert {"L02_c-narrow.svg", "L02_b-narrow.svg", "L02_c.svg"} <= written


@pytest.mark.parametrize("labels", [("plain", "residual"), ("no skip, from the identity", "skip")])
def test_narrow_figures_keep_within_their_bounds(labels, overlapping):
    panels = {title: {label: [[1, 2], [3, 4]] for label in labels} for title in "ab"}
    figure = figures.curves("It rises " * 9, [8, 20], panels, x="layers", y="loss", narrow=True)
    assert overlapping(figure) == []
    bars = figures.bars("One", {label: [1.0, 2.0] for label in labels}, x="error (%)", narrow=True)
    assert overlapping(bars) == []
    ramp = np.linspace(0, 1, 12).reshape(3, 4)
    rows = {title: dict.fromkeys("abc", (ramp, "20.1 dB")) for title in ("one", "two")}
    shown = figures.pictures("Three", rows, narrow=True)
    assert overlapping(shown) == []
    assert [axis.get_title() for axis in shown.axes] == ["a", "b", "c", ""] * 2


def test_plain_and_residual_have_their_colours_and_the_rest_is_grey():
    found = figures.looks({"plain-8": 0, "residual-8": 0, "theory": 0, "mine": 0}, "", ["mine"])
    colours = [colour.upper() for colour, _, _ in found.values()]
    assert colours[:2] == [plotting.PLAIN, plotting.RESIDUAL]
    assert colours[2].lower() in plotting.GREYS
    assert colours[3] not in (*colours[:3], *plotting.GREYS)
    alone = figures.looks({"theory": 0, "mine": 0}, "", ["mine"])
    assert alone["mine"][0].upper() == plotting.HIGHLIGHT
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
        (["lessons", "run", "one"], "expected the number of a lesson, e.g. 0"),
        (["lessons", "run", "depths=8", "2"], "before other arguments; got 'depths=8'"),
        (["lessons", "check", "my.py"], "(a file: --file my.py)"),
        (["lessons", "run", "--file", "my.py"], "required: N\n"),
        (["lessons", "run", "2", "--fast", "depths=a"], "depths: expected a positive whole number"),
    ],
)
def test_wrong_calls(arguments, message, capsys):
    assert call(*arguments) == 2
    assert message in capsys.readouterr().err

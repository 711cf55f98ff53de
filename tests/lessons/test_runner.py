"""Lessons read on a terminal: pauses, predictions, Ctrl-C, Ctrl-D, and where one left off."""

import re
import time

import pytest

from tests.lessons.sample import LESSON, NAME, saved, write
from tests.lessons.terminals import Program, pty

pytestmark = pytest.mark.skipif(pty is None, reason="no pseudo-terminals")
GONE = "\x1b[1A\x1b[2K"  # the line above is removed


@pytest.fixture(autouse=True)
def _mine(sandbox):
    write(LESSON)


def test_a_lesson_is_read_section_by_section_and_results_wait():
    with Program("mine.py") as program:
        before = program.expect("[Enter goes on, q stops]")
        assert "The opening, with xₗ₋₁." in before
        assert "Predict" not in before
        program.type("\n")
        program.expect("How many?")
        program.expect("(a number; Enter skips, q stops): ")
        program.type("many\n")
        program.expect("expected a number, e.g. 0.5 or 1e-8; got 'many'")
        program.expect("skips, q stops): ")
        program.type("8\n")
        program.expect("  2. it explodes")
        program.expect("(1 to 2; Enter skips, q stops): ")
        program.type("2\n")
        program.expect("def one(*values):")
        program.expect("write yours in mine.py, line ")
        program.expect(f"[TODO] exercise {NAME}")
        program.expect("[Enter goes on, c checks again")
        program.type("\n")
        assert "the result is" not in program.expect("[Enter shows the result")
        assert saved()["predictions"] == {"n": 8, "why": "it explodes"}
        program.type("\n")
        program.expect("measured 6.0; predicted 8 (33 % too high)")
        program.expect("the result is 6.0 (4, 8)")
        program.expect("[Enter goes on")
        program.type("\n")
        code, rest = program.wait()
        assert code == 0
        assert f"Still to do: {NAME}" in rest
    assert (saved()["read"], saved()["place"]) == (True, "")


def test_q_remembers_the_place_and_predictions_are_not_asked_again():
    with Program("mine.py", "seeds=4") as program:
        program.expect("[Enter goes on")
        program.type("\n")
        for answer in ("8\n", "\n"):
            program.expect("skips, q stops): ")
            program.type(answer)
        program.expect("[Enter goes on")
        program.type("q\n")
        assert program.wait() == (0, program.text[program.seen :])
        assert "To go on here: python mine.py seeds=4" in program.text
    assert saved()["place"] == f"Exercise {NAME}: one"
    with Program("mine.py", "--no-pause") as program:
        code, text = program.wait()
        assert code == 0
        assert "Going on at" in text
        assert "set up" not in text  # it ran again, without showing it
        assert "The opening" not in text
        assert "the result is 6.0" in text
        assert "predicted 8" in text
    with Program("mine.py", "--no-pause") as program:  # read to the end: from the start
        program.expect("The opening")
        program.expect("your prediction, recorded before: 8")
        program.expect("skips, q stops): ")  # the one that was skipped
        program.end_of_input()
        assert program.wait()[0] == 0
    with Program("mine.py", "--no-pause", "--ask-again") as program:
        program.expect("skips, q stops): ")
        program.type("9\n")
        program.expect("skips, q stops): ")
        program.type("1\n")
        program.expect("predicted 9")
        assert program.wait()[0] == 0
    assert saved()["predictions"] == {"n": 9, "why": "it vanishes"}


def test_keys_pressed_while_it_computes_answer_nothing():
    write(LESSON.replace("value =", "import time\nprint('busy')\ntime.sleep(1)\nvalue ="))
    with Program("mine.py", "--no-pause", PYTHONUNBUFFERED="1") as program:
        for _ in range(2):
            program.expect("skips, q stops): ")
            program.type("\n")
        program.expect("busy")
        program.type("\n5\n")
        program.expect("before the result, your prediction of n")
        program.expect("skips, q stops): ")
        program.type("7\n")
        program.expect("measured 6.0; predicted 7")
        program.wait()
    assert saved()["predictions"] == {"n": 7}


@pytest.mark.slow
def test_how_long_it_computed_is_said_the_next_time_without_the_learners_thinking():
    slow = "import time\ntime.sleep(1.1)\n"
    write(LESSON.replace("value =", f"{slow}value ="))
    for first, expected in ((True, "(lines"), (False, ", about 1 s)")):
        with Program("mine.py", "--no-pause") as program:
            for thinking in (1.2, 0) if first else ():
                program.expect("skips, q stops): ")
                time.sleep(thinking)
                program.type("1\n")
            program.expect("running: value")
            assert expected in program.expect("\n")
            assert program.wait()[0] == 0
    assert len(saved()["seconds"]) == 1
    assert saved()["read"]


def test_an_exercise_is_checked_again_where_one_reads():
    with Program("mine.py", "--ask-again", PYTHONUNBUFFERED="") as program:
        program.expect("stops]")
        program.type("\n")
        for _ in range(2):
            program.expect("skips, q stops): ")
            program.type("\n")
        again = "[Enter goes on, c checks again what you have saved, q stops] "
        program.expect(again)
        solved = (
            f"from minires.lessons.kit import exercises\nsolve = exercises(1)['{NAME}'].reference"
        )
        for text, expected in (
            (LESSON.replace("return None", "return = None"), "SyntaxError"),
            (LESSON.replace("return None", "return missing"), "name 'missing' is not defined"),
            (LESSON.replace(f'exercise("{NAME}")', "other()"), f"no exercise {NAME}"),
            (LESSON.replace("def one(", "1 / 0\n\n\ndef one("), "SyntaxError"),
            (LESSON.replace("@lesson.e", "1 / 0\n\n\n@lesson.e"), "division by zero"),
        ):
            write(text)
            program.type("c\n")
            before = program.expect(expected)
            assert before.count(GONE) == 1  # of the pause, not of the message
            assert GONE not in program.expect(again)
        text = LESSON.replace("@lesson.e", f"{solved}\n\n\n@lesson.e").replace(
            "None", "solve(*values)"
        )
        write(text.replace("value = 2.0", "value = 3.0"))
        program.type("c\n")
        program.expect(f"[PASS] exercise {NAME}")
        program.expect("[Enter goes on, q stops]")
        program.type("\n")
        program.expect("skips, q stops): ")
        program.type("\n")
        program.expect("the result is 9.0")  # what follows is the new text too
        assert saved()["solved"] == [NAME]


def test_ctrl_c_at_each_prompt_ends_with_one_line_that_says_how_to_go_on():
    typed = ["\n", "8\n", "1\n", "\n", "\n", "\n"]
    for count in range(len(typed)):
        with Program("mine.py", "--from-start", "--ask-again") as program:
            for key in typed[:count]:
                program.expect("s] " if key == "\n" else "skips, q stops): ")
                program.type(key)
            program.expect("skips, q stops): " if typed[count] != "\n" else "stops] ")
            program.interrupt()
            code, text = program.wait()
            assert code == 130
            lines = [line for line in re.sub(r"\x1b\[[\d;]*m|\^C", "", text).split("\n") if line]
            assert lines == ["interrupted; to go on here: python mine.py"]


def test_q_stops_at_a_question_too():
    with Program("mine.py", "--no-pause") as program:
        program.expect("skips, q stops): ")
        program.type("q\n")
        assert "To go on here: python mine.py" in program.wait()[1]
    assert saved()["predictions"] == {}


def test_ctrl_d_skips_a_question_and_ends_the_pauses():
    with Program("mine.py") as program:
        program.expect("stops] ")
        program.type("\n")
        for _ in range(2):
            program.expect("skips, q stops): ")
            program.end_of_input()
            program.expect("(skipped)")
        program.expect("stops] ")
        program.end_of_input()
        program.expect("no more pauses")
        program.expect("before the result, your prediction of n (a number; Enter skips, q stops): ")
        program.end_of_input()
        program.expect("measured 6.0; predicted -")
        assert program.wait()[0] == 0
    assert saved()["predictions"] == {}


@pytest.mark.parametrize(("columns", "colour"), [(30, False), (200, True)])
def test_width_and_colours_are_those_of_the_terminal(columns, colour):
    paragraph = "words " * 60
    write(LESSON.replace("The opening", paragraph))
    environment = {} if colour else {"NO_COLOR": "1"}
    with Program("mine.py", columns=columns, **environment) as program:
        text = program.expect("[Enter goes on")
        assert ("\x1b[" in text) == colour
        shown = [line for line in text.split("\n") if line.startswith("words")]
        assert max(map(len, shown)) <= min(columns, 88)

"""Lessons read on a terminal: pauses, predictions, Ctrl-C, Ctrl-D, and where one left off."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from minires.__main__ import main
from minires.lessons import cells, runner
from minires.lessons.files import lesson_files, notebook
from minires.lessons.kit import exercises
from tests.lessons.terminals import Program, pty

on_a_terminal = pytest.mark.skipif(pty is None, reason="no pseudo-terminals")
NAME = next(iter(exercises(1)))
LESSON = f'''# ---
# title: A test
# ---
# %% [markdown]
# # Lesson 1: does it run?
# The opening, with $x_{{l-1}}$.

# %%
from minires.lessons import Lesson

lesson = Lesson(1)
P = lesson.params(depths=(4, 8), seeds=3, full={{"seeds": 5}}, fast={{"seeds": 1}})
print("set up")

# %% [markdown]
# ## Predict
# Guess first.

# %%
lesson.predict("n", "How many?")
lesson.predict("why", "Why?", choices=("it vanishes", "it explodes"))

# %% [markdown]
# ## Exercise {NAME}: one


# %% tags=["exercise"]
@lesson.exercise("{NAME}")
def one(*values):
    """Do it."""
    # TODO: your code here
    return None


# %% [markdown]
# ## Experiment
# Now it is measured.

# %%
value = 2.0 * P.seeds
lesson.reveal("n", f"{{value}}", value)
print("the result is", value, P.depths)

# %% [markdown]
# ## Remember
# - this
'''


@pytest.fixture(autouse=True)
def sandbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("FAST", "FULL", "OUT", "ANSWERS", "CHECK"):
        monkeypatch.delenv(f"MINIRES_{name}", raising=False)
    write(LESSON)


def write(text, name="mine.py"):
    Path(name).write_text(text, encoding="utf-8")


def saved():
    return json.loads(Path("answers/progress.json").read_text(encoding="utf-8"))["1"]


@pytest.fixture(name="piped")
def _piped(capsys):
    """Run the learner's file where nobody reads; return the exit code and what was printed."""

    def piped(*arguments, name="mine.py"):
        code = main(["lessons", "run", "1", "--file", name, *arguments])
        return code, *capsys.readouterr()

    return piped


@on_a_terminal
def test_a_lesson_is_read_section_by_section_and_results_wait():
    with Program("mine.py") as program:
        before = program.expect("[Enter goes on, q stops]")
        assert "The opening, with xₗ₋₁." in before
        assert "Predict" not in before
        program.type("\n")
        program.expect("How many?")
        program.expect("(a number; Enter skips): ")
        program.type("many\n")
        program.expect("expected a number, e.g. 0.5 or 1e-8; got 'many'")
        program.expect("skips): ")
        program.type("8\n")
        program.expect("  2. it explodes")
        program.expect("(1 to 2; Enter skips): ")
        program.type("2\n")
        program.expect("def one(*values):")
        program.expect("mine.py, line ")
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


@on_a_terminal
def test_q_remembers_the_place_and_predictions_are_not_asked_again():
    with Program("mine.py", "seeds=4") as program:
        program.expect("[Enter goes on")
        program.type("\n")
        for answer in ("8\n", "\n"):
            program.expect("skips): ")
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
        program.expect("skips): ")  # the one that was skipped
        program.end_of_input()
        assert program.wait()[0] == 0
    with Program("mine.py", "--no-pause", "--ask-again") as program:
        program.expect("skips): ")
        program.type("9\n")
        program.expect("skips): ")
        program.type("1\n")
        program.expect("predicted 9")
        assert program.wait()[0] == 0
    assert saved()["predictions"] == {"n": 9, "why": "it vanishes"}


@on_a_terminal
def test_how_long_it_computed_is_said_the_next_time_without_the_learners_thinking():
    slow = "import time\ntime.sleep(1.1)\n"
    write(LESSON.replace("value =", f"{slow}value ="))
    for first, expected in ((True, "(lines"), (False, ", about 1 s)")):
        with Program("mine.py", "--no-pause") as program:
            for thinking in (1.2, 0) if first else ():
                program.expect("skips): ")
                time.sleep(thinking)
                program.type("1\n")
            program.expect("running: value")
            assert expected in program.expect("\n")
            assert program.wait()[0] == 0
    assert len(saved()["seconds"]) == 1
    assert saved()["read"]


@on_a_terminal
def test_an_exercise_is_checked_again_where_one_reads():
    with Program("mine.py", "--ask-again") as program:
        program.expect("stops]")
        program.type("\n")
        for _ in range(2):
            program.expect("skips): ")
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
            program.expect(expected)
            program.expect(again)
        text = LESSON.replace("@lesson.e", f"{solved}\n\n\n@lesson.e").replace(
            "None", "solve(*values)"
        )
        write(text.replace("value = 2.0", "value = 3.0"))
        program.type("c\n")
        program.expect(f"[PASS] exercise {NAME}")
        program.expect("[Enter goes on, q stops]")
        program.type("\n")
        program.expect("skips): ")
        program.type("\n")
        program.expect("the result is 9.0")  # what follows is the new text too
        assert saved()["solved"] == [NAME]


@on_a_terminal
def test_ctrl_c_at_each_prompt_ends_with_one_line_that_says_how_to_go_on():
    typed = ["\n", "8\n", "1\n", "\n", "\n", "\n"]
    for count in range(len(typed)):
        with Program("mine.py", "--from-start", "--ask-again") as program:
            for key in typed[:count]:
                program.expect("s] " if key == "\n" else "skips): ")
                program.type(key)
            program.expect("skips): " if typed[count] != "\n" else "stops] ")
            program.interrupt()
            code, text = program.wait()
            assert code == 130
            lines = [line for line in re.sub(r"\x1b\[[\d;]*m|\^C", "", text).split("\n") if line]
            assert lines == ["interrupted; to go on here: python mine.py"]


@on_a_terminal
def test_ctrl_d_skips_a_question_and_ends_the_pauses():
    with Program("mine.py") as program:
        program.expect("stops] ")
        program.type("\n")
        for _ in range(2):
            program.expect("skips): ")
            program.end_of_input()
            program.expect("(skipped)")
        program.expect("stops] ")
        program.end_of_input()
        program.expect("no more pauses")
        program.expect("before the result, your prediction of n (a number; Enter skips): ")
        program.end_of_input()
        program.expect("measured 6.0; predicted -")
        assert program.wait()[0] == 0
    assert saved()["predictions"] == {}


@on_a_terminal
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


def test_piped_it_never_waits_and_says_so_once(piped):
    code, out, err = piped()
    assert (code, err) == (0, "")
    assert out.lower().count("without a terminal") == out.count("nobody is asked") == 1
    assert "the result is 6.0" in out
    assert "\x1b" not in out
    assert not Path("answers").exists()
    assert "Lesson 1: does it run?\n──" in out


def test_parameters_and_larger_and_smaller_experiments(piped):
    assert "the result is 10.0 (8,)" in piped("--full", "depths=8")[1]
    assert "the result is 2.0" in piped("--fast")[1]
    assert "the result is 8.0" in piped("--fast", "seeds=4")[1]
    code, _, err = piped("seed=4")
    assert (code, err) == (2, "minires: error: unknown parameter 'seed=4'; depths=4,8, seeds=3\n")
    code, _, err = piped("--fast", "--full")
    assert code == 2
    assert "choose one" in err


def test_a_script_run_by_python_teaches_too_and_runpy_gets_its_variables():
    code = "import runpy; print(runpy.run_path('mine.py', run_name='__main__')['value'])"
    for arguments, expected in (
        (["mine.py", "--seeds=2", "depths=8"], "the result is 4.0 (8,)"),
        (["-c", code], "\n6.0\n"),
    ):
        found = subprocess.run(
            [sys.executable, *arguments], capture_output=True, encoding="utf-8",
            stdin=subprocess.DEVNULL, timeout=100,
        )  # fmt: skip
        assert (found.returncode, found.stderr) == (0, "")
        assert expected in found.stdout
        assert ("The opening" in found.stdout) == (arguments[0] == "mine.py")
    assert runner.namespace(Path("mine.py"), ["seeds=2"])["value"] == 4.0


def test_the_code_is_shown_where_it_is_asked_for(piped):
    assert "value = 2.0" not in piped()[1]
    assert "running: value (lines " in piped()[1]
    assert "    value = 2.0 * P.seeds" in piped("--code")[1]
    write(LESSON.replace("# %%\nvalue", '# %% tags=["show"]\nvalue'))
    assert "    value = 2.0 * P.seeds" in piped()[1]


@pytest.mark.parametrize("name", ["mine.py", "mine.ipynb"])
def test_an_error_shows_the_learners_line(name, piped):
    text = LESSON.replace("value = 2.0", "value = missing")
    write(text if name == "mine.py" else notebook(text), name)
    code, out, err = piped(name=name)
    assert code == 1
    line = 1 + text.splitlines().index("value = missing * P.seeds")
    where = f'mine.py", line {line}' if name == "mine.py" else 'mine.ipynb, cell 8", line 1'
    assert err.splitlines()[1] == f'  File "{where}, in <module>'
    assert "    value = missing * P.seeds" in err
    assert "NameError" in err
    assert "runner.py" not in err
    assert f"minires lessons run 1 --file {name}" in err
    assert "Now it is measured" in out


def test_a_syntax_error_is_found_before_anything_runs(piped):
    write(LESSON.replace("value = 2.0", "value = = 2.0"))
    code, out, err = piped()
    assert (code, out) == (1, "")
    assert "value = = 2.0" in err
    assert "^" in err
    assert err.endswith("SyntaxError: invalid syntax\n")


def test_a_call_of_exit_is_named(piped):
    write(LESSON.replace("value = 2.0", "raise SystemExit(0)\nvalue = 2.0"))
    code, out, err = piped()
    assert code == 1
    assert "it calls exit" in err
    assert "the result" not in out


def test_another_lessons_file_is_refused(piped):
    write(LESSON.replace("Lesson(1)", "Lesson(2)"))
    assert piped()[2] == "minires: error: mine.py is lesson 2, not 1\n"


def test_a_damaged_file_of_progress_is_named_and_kept(piped):
    Path("answers").mkdir()
    Path("answers/progress.json").write_text("{", encoding="utf-8")
    code, _, err = piped()
    assert code == 2
    assert "answers/progress.json cannot be read" in err
    assert Path("answers/progress.json").read_text(encoding="utf-8") == "{"


def test_everything_is_written_beside_the_learners_file(piped):
    Path("deep").mkdir()
    write(LESSON + '\n# %%\nlesson.bars("b", "B", {"a": [1.0]}, x="error (%)")\n', "deep/mine.py")
    assert piped(name="deep/mine.py")[0] == 0
    assert sorted(p.name for p in Path().iterdir()) == ["deep", "mine.py"]
    assert Path("deep/out/lessons/L01_b.png").exists()


def test_prose_without_code_cells_around_it_is_split_at_headings(tmp_path):
    write("# %% [markdown]\n# # A\n# a\n#\n# ```\n# # no heading\n# ```\n# ## B\n# b\n")
    found = cells.read(Path("mine.py"))
    assert [c.heading for c in found] == ["A", "B"]


@pytest.mark.parametrize(
    "lesson",
    [pytest.param(f, marks=pytest.mark.slow if i else []) for i, f in enumerate(lesson_files())],
    ids=lambda f: f.path.stem,
)
def test_the_lessons_of_minires_say_that_solutions_are_shown(lesson):
    found = subprocess.run(
        [sys.executable, "-m", "minires", "lessons", "run", str(lesson.number), "--fast"],
        capture_output=True, encoding="utf-8", stdin=subprocess.DEVNULL, timeout=100,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (0, "")
    assert "Solutions shown" in found.stdout
    for name in exercises(lesson.number):
        assert f"exercise {name}: solution shown, the one that comes with minires" in found.stdout
    assert "[PASS]" not in found.stdout
    assert not Path("answers").exists()

"""Lessons run where nobody reads: a pipe, a log; parameters, errors, and where files go."""

import subprocess
import sys
from pathlib import Path

import pytest

from minires.__main__ import main
from minires.lessons import cells, runner
from minires.lessons.files import lesson_files, notebook
from minires.lessons.kit import exercises
from tests.lessons.sample import LESSON, write

SOME = lesson_files()[::9]  # the first, one of the middle, the project


@pytest.fixture(autouse=True)
def _mine(sandbox):
    write(LESSON)


@pytest.fixture(name="piped")
def _piped(capsys):
    """Run the learner's file where nobody reads; return the exit code and what was printed."""

    def piped(*arguments, name="mine.py"):
        code = main(["lessons", "run", "1", "--file", name, *arguments])
        return code, *capsys.readouterr()

    return piped


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
    said = "unknown parameter 'seed=4'; this lesson has depths=4,8, seeds=3"
    assert (code, err) == (2, f"minires: error: {said}\n")
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


def test_a_file_of_another_lesson_or_of_none_is_refused(piped):
    write(LESSON.replace("Lesson(1)", "Lesson(2)"))
    assert piped()[2] == "minires: error: mine.py is lesson 2, not 1\n"
    write("x = 1\n")
    assert piped()[2] == "minires: error: mine.py has no Lesson(1) in it\n"


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
    [pytest.param(f, marks=pytest.mark.slow if i else []) for i, f in enumerate(SOME)],
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


def test_a_reading_begins_at_the_beginning_and_shows_tagged_code(capsys):
    assert main(["lessons", "run", "0", "--fast", "--no-pause"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("Lesson 0: How does backward() work?") < shown.index("Exercise 0.1")
    assert "        gradients[source] = part" in shown  # the code with the bug
    assert "GRAPH = {" not in shown

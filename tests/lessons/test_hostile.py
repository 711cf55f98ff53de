"""Nothing that a learner hands in passes falsely or hangs: a table of submissions, and files."""

import builtins
import json
import re
import sys
import time
from pathlib import Path

import pytest
import toy_lesson
from submissions import SUBMISSIONS

from minires.lessons import checking
from minires.lessons.files import lesson_file, lesson_files, notebook, student_version
from minires.results import read_text

LINUX = sys.platform == "linux"
QUICK = [s for s in SUBMISSIONS if not s.slow and (LINUX or "MemoryError" not in s.words)]
SLOW = [s for s in SUBMISSIONS if s.slow]
by_name = {"ids": lambda s: s.name}
HALF = "@lesson.exercise('90.1')\ndef half():\n    return 0.5\n"
WORD = "@lesson.exercise('90.4')\ndef word():\n    return 'optimisation'\n"


def check(*cells, name="mine.py"):
    Path(name).write_text("\n# %%\n".join(cells), encoding="utf-8")
    return checking.check_file(Path(name))


def check_all(submissions, folder, patch):
    """Check submissions in one file, a cell each; return their results by their names."""
    tasks = {f"90.{i}": toy_lesson.TASKS[s.task] for i, s in enumerate(submissions, 1)}
    toy_lesson.install(tasks, patch)
    cells = [s.cell(name) for name, s in zip(tasks, submissions, strict=True)]
    path = folder / "all.py"
    path.write_text("\n# %%\n".join([toy_lesson.HEAD, *cells]), encoding="utf-8")
    report = checking.check_file(path)
    assert report.problems == []
    results = report.results.values()
    return {s.name: r for s, r in zip(submissions, results, strict=True)}, path


@pytest.fixture(scope="module", name="verdicts")
def _verdicts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIRES_EXERCISE_SECONDS", "10")
        return check_all(QUICK, tmp_path_factory.mktemp("hostile"), patch.setattr)


def require(submission, found):
    results, path = found
    result = results[submission.name]
    told = result.line(90)
    assert result.verdict == submission.state, told
    for words in submission.words:
        assert words in told
    if result.verdict == "FAIL":
        line = path.read_text(encoding="utf-8").splitlines()[result.lineno - 1].strip()
        assert told.splitlines()[-2] == f"       your line {result.lineno}: {line}"


@pytest.mark.parametrize("submission", QUICK, **by_name)
def test_submission(submission, verdicts):
    require(submission, verdicts)


@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="signals and limits of Linux")
def test_submissions_that_end_or_hang_their_process(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRES_EXERCISE_SECONDS", "1")
    verdicts = check_all(SLOW, tmp_path, monkeypatch.setattr)
    for submission in SLOW:
        require(submission, verdicts)


@pytest.fixture(name="toy")
def _toy(monkeypatch):
    toy_lesson.install(patch=monkeypatch.setattr)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("submission", [s for s in QUICK if not s.alone], **by_name)
def test_submission_in_a_script_or_a_notebook(submission, monkeypatch):
    toy_lesson.install({"90.1": toy_lesson.TASKS[submission.task]}, monkeypatch.setattr)
    monkeypatch.setattr(builtins, "input", lambda *_: next(iter(())))
    names = {}
    exec(compile(toy_lesson.HEAD + submission.cell("90.1"), "mine", "exec"), names)
    (result,) = names["lesson"].results
    assert result.verdict == submission.state


SPOILT = {
    "builtins": "import builtins\nbuiltins.abs = lambda x: 0\n"
    "builtins.isinstance = lambda *a: True\nnp.asarray = np.abs = lambda *a, **k: True",
    "the kit": "Lesson.exercise = lambda self, name: lambda f: f",
    "the kit's checks": "from minires.lessons import kit, exercise, expect\n"
    "kit.examine = exercise.examine = expect.expect_number = lambda *a: True",
    "the messages": "from minires.lessons import worker\nworker.submit = lambda name, f: f",
    "what packs values": "from minires.lessons import channel, plain\n"
    "channel.pack = plain.pack = lambda value, lend: 'PASS'",
    "exit": "import os\nos._exit = lambda code: None",
    "packages": "import sys\nsys.modules['minires.lessons.exercise'] = None",
    "time": "import time\ntime.monotonic = lambda: 0.0",
}


@pytest.mark.slow
@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("spoilt", SPOILT)
def test_what_a_file_replaces_makes_nothing_pass(spoilt):
    report = check(toy_lesson.HEAD, SPOILT[spoilt], HALF.replace("0.5", "0.4"))
    assert report.counts()["PASS"] == 0
    assert report.results["90.1"].verdict == "FAIL"


STOPS = [  # a cell, in which of its lines it stops (0 if that is not known), what is said
    ("x = 1\ndef f(:\n    pass", 2, "SyntaxError: invalid syntax\ndef f(:\n      ^"),
    ("  x = 1", 1, "IndentationError: unexpected indent"),
    ("1 / 0", 1, "ZeroDivisionError"),
    ("import sys\nsys.exit('enough')", 2, "it calls exit, which ends the whole program"),
    ("import os\nos._exit(0)", 0, "it ended Python, with exit code 0"),
    ("open('/dev/full', 'w').write('x' * 10**6)", 1, "No space left"),
    ("import os\nos.system('true')", 2, "it starts another program"),
    ("x = np.zeros(10**12)", 1, "MemoryError"),
    ("@lesson.exercise('90.l')\ndef f(): pass", 1, "no exercise '90.l'"),
    ("lesson.exercise(3)(len)", 1, "no exercise '3'"),
    ("Lesson(1)", 1, "this file is checked as lesson 90"),
    ("raise Exception from SystemExit", 1, "Exception"),
    ("class E(Exception):\n    def __str__(self): return 1 / 0\nraise E", 3, "E"),
]


@pytest.mark.skipif(not LINUX, reason="limits of Linux, /dev/full")
@pytest.mark.usefixtures("toy")
def test_a_cell_that_stops_costs_only_itself():
    cells = [cell for cell, _, _ in STOPS]
    report = check(toy_lesson.HEAD, *cells, HALF, WORD)
    assert report.counts() == {"PASS": 2, "FAIL": 0, "TODO": 3}
    assert not report.passed()
    told = report.text()
    for (_, lineno, words), problem in zip(STOPS, report.problems, strict=True):
        assert words in problem.message
        assert problem.lineno == problem.start + lineno
        assert f"the cell at line {problem.start} did not run to its end: " in told
        assert problem.message.split("\n")[0] in told


@pytest.mark.usefixtures("toy")
def test_a_loop_outside_of_exercises_is_named_by_its_line(monkeypatch):
    monkeypatch.setenv("MINIRES_CELL_SECONDS", "3")
    start = time.monotonic()
    report = check(toy_lesson.HEAD, HALF, "y = 1\nwhile True:\n    y += 1", WORD)
    assert report.counts() == {"PASS": 2, "FAIL": 0, "TODO": 3}
    (problem,) = report.problems
    assert "it has not ended after 3 s" in problem.message
    assert problem.lineno in (12, 13)
    assert "the cell at line 10 did not run to its end" in report.text()
    assert time.monotonic() - start < 60


@pytest.mark.slow
@pytest.mark.usefixtures("toy")
def test_after_three_loops_the_rest_of_a_file_is_not_run(monkeypatch):
    monkeypatch.setenv("MINIRES_CELL_SECONDS", "1")
    report = check(toy_lesson.HEAD, HALF, *["while True:\n    pass"] * 5, WORD)
    assert report.counts() == {"PASS": 1, "FAIL": 1, "TODO": 3}
    assert len(report.problems) == 3
    assert "what follows was not run" in report.results["90.4"].message


@pytest.mark.usefixtures("toy")
def test_a_learners_figure_is_no_reason_to_fail(monkeypatch):
    """Matplotlib asks another program for fonts, and keeps what it found, if it is used first."""
    monkeypatch.setenv("MPLCONFIGDIR", str(Path("nothing-kept").absolute()))
    draw = "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\n"
    report = check(toy_lesson.HEAD + draw + "plt.plot([1, 2])\nplt.savefig('mine.png')", HALF)
    assert report.problems == []
    assert report.results["90.1"].verdict == "PASS"


@pytest.mark.usefixtures("toy")
def test_exercises_that_are_not_there():
    report = check(
        toy_lesson.HEAD + "def helper(): pass",
        HALF,
        "@lesson.exercise('90.2')\nclass Scale:\n    pass",
        "def slope(f:",
        HALF.replace("0.5", "0.7"),
        "if False:\n    @lesson.exercise('90.5')\n    def depth(measure): return 7",
        "@lesson.exercise('90.3')\ndef slope(f, x, h:\n    return 1",
        "lesson.exercise('90.l')(len)",
    )
    found = {name: (r.verdict, r.message) for name, r in report.results.items()}
    assert found["90.1"] == (
        "FAIL",
        "it stands twice in this file, at lines 7 and 18: keep one of them",
    )
    assert found["90.2"][0] == "FAIL"
    assert "got a class" in found["90.2"][1]
    assert found["90.3"][0] == "FAIL"
    assert "its cell did not run to its end: SyntaxError: '(' was never closed" in found["90.3"][1]
    assert report.text().count("was never closed") == 2  # not once more for 90.3
    assert report.results["90.1"].where == "line 18: def half():"
    assert found["90.4"] == ("TODO", "not in this file")
    assert found["90.5"][0] == "FAIL"
    assert "was never reached" in found["90.5"][1]


@pytest.mark.usefixtures("toy")
def test_a_function_whose_decorator_is_missing_is_pointed_at(monkeypatch):
    text = read_text(lesson_files()[0].path)
    name, function = re.search(r'exercise\("(.+?)"\)\ndef (\w+)', text).groups()
    number = int(name.split(".")[0])
    toy_lesson.install({name: toy_lesson.TASKS["half"]}, monkeypatch.setattr, number)
    report = check(toy_lesson.HEAD.replace("90", str(number)) + f"def {function}(): return 0.5")
    assert report.results[name].verdict == "TODO"
    assert f"above `def {function}` (line 4) the line" in report.results[name].message


@pytest.mark.usefixtures("toy")
def test_wrapped_functions_and_what_is_callable():
    report = check(
        toy_lesson.HEAD + "import functools",
        HALF.replace("def", "@functools.cache\ndef").replace("return", "return 3 *"),
        "@lesson.exercise('90.2')\n@np.vectorize\ndef scale(x, k):\n    return k * x",
        "lesson.exercise('90.4')('optimisation')",
    )
    assert report.results["90.1"].where == "line 8: def half():"
    assert report.results["90.2"].verdict == "PASS"
    assert "got a value (str)" in report.results["90.4"].message


@pytest.mark.usefixtures("toy")
def test_modules_of_the_learners_folder_are_imported_by_the_learners_code_only():
    """Nothing of the folder runs before the process is guarded."""
    for name in ("sitecustomize", "usercustomize", "subprocess", "resource", "json", "numpy"):
        Path(f"{name}.py").write_text("open('imported', 'w').close()", encoding="utf-8")
    report = check(toy_lesson.HEAD, HALF, "import resource")
    assert report.results["90.1"].verdict == "PASS"
    assert not Path("imported").exists()


@pytest.mark.usefixtures("toy")
def test_the_reference_gives_nothing_away():
    """What is unsolved works for the lesson, but not for another exercise, nor for itself."""
    report = check(
        toy_lesson.HEAD,
        HALF.replace("return 0.5", "return None"),
        "kept = half()\nassert kept == 0.5\ntry:\n    half(1)\nexcept TypeError:\n    pass",
        "@lesson.exercise('90.2')\ndef scale(x, k):\n    return x * k * 2 * half()",
        "@lesson.exercise('90.1')\ndef again():\n    return kept",
        "from minires.lessons import worker\nworker._ask('reference', '90.5', [len], {})",
    )
    assert [r.verdict for r in report.results.values()] == ["FAIL", "FAIL", "TODO", "TODO", "TODO"]
    assert "exercise 90.1 is not solved yet" in report.results["90.2"].message
    (problem,) = report.problems
    assert "exercise 90.5 has not been checked yet" in problem.message


@pytest.mark.usefixtures("toy")
def test_a_notebook_names_cells():
    cells = [
        ("markdown", "# A lesson"), ("code", "%matplotlib inline\n!ls\n" + toy_lesson.HEAD),
        ("code", HALF.replace("return", "x = 1 / 0\n    return")), ("code", "x = = 1"),
        ("code", WORD.replace("return", "return 'x' +")),
    ]  # fmt: skip
    text = json.dumps({"cells": [{"cell_type": k, "source": [s]} for k, s in cells]})
    report = check(text, name="mine.ipynb")
    assert report.results["90.1"].where == "cell 3, line 3: x = 1 / 0"
    assert report.results["90.4"].where == "cell 5, line 2: def word():"
    assert "cell 4 did not run to its end: SyntaxError: invalid syntax\n" in report.text()
    summary = report.summary()
    assert [(p["cell"], p["line"]) for p in summary["problems"]] == [(4, 1)]
    assert (summary["exercises"][0]["cell"], summary["exercises"][0]["line"]) == (3, 3)


@pytest.mark.usefixtures("toy")
def test_text_that_looks_like_a_cell_and_what_comes_from_the_future():
    report = check(
        "from __future__ import annotations\n" + toy_lesson.HEAD + 'text = """\n# %%\n"""',
        "def f(x: Missing): pass",
        HALF.replace("return", "# a remark\n# %% and another\n    return"),
    )
    assert report.problems == []
    assert report.results["90.1"].verdict == "PASS"


@pytest.mark.usefixtures("toy")
def test_the_learners_files_stay_and_nothing_is_written():
    Path("helper.py").write_text("HALF = 0.5", encoding="utf-8")
    report = check(
        toy_lesson.HEAD + "import helper",
        HALF.replace("0.5", "helper.HALF"),
        "import os\nos.abort()",
        WORD,
    )
    assert report.counts()["PASS"] == 2
    assert [Path(p).name for p in sorted(Path().iterdir()) if p.is_file()] == [
        "helper.py",
        "mine.py",
    ]


@pytest.mark.slow
def test_shipped_lessons_as_student_and_solution(tmp_path, monkeypatch):
    """The student version is all TODO; a solution with one wrong number is not all PASS."""
    monkeypatch.chdir(tmp_path)
    number = lesson_files()[0].number
    text = read_text(lesson_file(number).path)
    report = check(student_version(text))
    assert report.counts()["TODO"] == len(report.results) > 0
    report = check(notebook(text), name="mine.ipynb")
    assert report.passed()
    assert all(result.shipped for result in report.results.values())
    report = check(re.sub(r"# (BEGIN|END) SOLUTION", "#", text))
    assert report.passed()
    assert not any(result.shipped for result in report.results.values())

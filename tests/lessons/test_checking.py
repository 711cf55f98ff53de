"""`minires lessons check` and `run` of a learner's file, whatever it does and where it runs."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_lesson

from minires.__main__ import main
from minires.lessons.files import lesson_file, notebook

HEAD = "from minires.lessons import Lesson\nlesson = Lesson(1)\n"
GOOD = HEAD + "@lesson.exercise('1.5')\ndef f():\n    return 0.5\n"


@pytest.fixture(name="toy")
def _toy(monkeypatch):
    toy_lesson.install_as_first(monkeypatch.setattr)


def exercise(body):
    return f"{GOOD}@lesson.exercise('1.6')\ndef g():\n    {body}\n"


def check(text, capsys, *options, name="mine.py", number="1"):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        code = main(["lessons", "check", number, "--file", name, *options])
    except SystemExit as stop:
        code = stop.code
    printed = capsys.readouterr()
    return code, printed.out + printed.err


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            "import sys; sys.exit(0)", "[FAIL] exercise 1.6: it calls exit", marks=pytest.mark.slow
        ),
        ("import os; os._exit(0)", "[FAIL] exercise 1.6: it ended Python, with exit code 0"),
        pytest.param(
            "import os; os.abort()",
            "[FAIL] exercise 1.6: it ended Python, by the signal SIGABRT",
            marks=pytest.mark.slow,
        ),
        ("return missing", "[FAIL] exercise 1.6: NameError: name 'missing' is not defined"),
        pytest.param(
            "raise KeyboardInterrupt",
            "[FAIL] exercise 1.6: KeyboardInterrupt",
            marks=pytest.mark.slow,
        ),
        ("while True: pass", "[FAIL] exercise 1.6: stopped after 0.5 s: does a loop run for ever?"),
    ],
)
def test_an_exercise_that_does_not_return(body, message, capsys):
    code, printed = check(exercise(body), capsys, "--seconds", "0.5")
    assert code == 1
    assert message in printed
    assert "[PASS] exercise 1.5" in printed
    assert "[TODO] exercise 1.1: not in this file" in printed


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ("import sys\nsys.exit(0)", "it calls exit, which ends the whole program"),
        pytest.param("import sys\nsys.exit(0)", "your line 7: sys.exit(0)", marks=pytest.mark.slow),
        pytest.param("quit()", "it calls exit", marks=pytest.mark.slow),
        pytest.param(
            "import os; os._exit(0)", "it ended Python, with exit code 0", marks=pytest.mark.slow
        ),
        ("1 / 0", "to its end: ZeroDivisionError: division by zero\n       your line 6: 1 / 0"),
        pytest.param(
            "lesson.predict('h', '?', mine='banana')", "expected a number", marks=pytest.mark.slow
        ),
        ("def f(:", "SyntaxError"),
    ],
)
def test_a_script_that_stops(tail, message, capsys):
    code, printed = check(GOOD + tail, capsys)
    assert code in (1, 2)
    assert message in printed


def test_solutions_that_come_with_minires_are_not_counted_as_the_learners(capsys):
    text = lesson_file(0).path.read_text(encoding="utf-8")
    n = text.count("@lesson.exercise(")
    assert main(["lessons", "check", "0"]) == 0
    first, *middle, last = capsys.readouterr().out.splitlines()
    assert all("ok (the solution that comes with minires)" in line for line in middle)
    assert last.startswith(f"{n} of {n} solved, by the solutions that come with minires.")
    for line in (first, last):
        assert "minires lessons check 0 --file FILE" in line
    own = text.replace("    # BEGIN SOLUTION\n", "    # mine\n", 2)
    code, printed = check(own, capsys, number="0")
    assert code == 0
    theirs = f"{n - 2} of them by solutions that come with minires\n"
    assert printed.endswith(f"{n} of {n} solved, {theirs}")


@pytest.mark.usefixtures("toy")
def test_solved_but_stopped_is_not_passed(capsys):
    tasks = [("scale", "x, k", "k * x")] * 4 + [("half", "", "0.5"), ("word", "", "'optimisation'")]
    text = HEAD + "".join(
        f"@lesson.exercise('1.{i}')\ndef {name}({parameters}): return {value}\n"
        for i, (name, parameters, value) in enumerate(tasks, 1)
    )
    code, printed = check(text, capsys)
    assert (code, printed.splitlines()[-1]) == (0, "6 of 6 solved")
    code, printed = check(text + "import sys\nsys.exit(0)\n", capsys)
    assert (code, printed.splitlines()[-1]) == (1, "6 of 6 solved")
    assert "it calls exit" in printed


@pytest.mark.usefixtures("toy")
def test_a_loop_that_swallows_interrupts_is_ended(capsys):
    body = "import signal; signal.signal(2, signal.SIG_IGN)\n    while True: pass"
    code, printed = check(exercise(body), capsys, "--seconds", "0.4")
    assert code == 1
    assert "[FAIL] exercise 1.6: stopped after 0.4 s" in printed


def test_notebooks(capsys):
    document = json.loads(notebook(lesson_file(0).path.read_text(encoding="utf-8")))
    document["cells"].insert(1, {"cell_type": "code", "source": ["%matplotlib inline\n", "!ls"]})
    code, printed = check(json.dumps(document), capsys, name="mine.ipynb", number="0")
    assert (code, "FAIL" in printed, "TODO" in printed) == (0, False, False)
    for wrong in ("null", "[]", "{}", "x = 1", '{"cells": [{}]}'):
        code, printed = check(wrong, capsys, name="mine.ipynb")
        assert code == 2
        assert "expected a Jupyter notebook" in printed


@pytest.mark.usefixtures("toy")
def test_json_for_a_teacher(capsys):
    code, printed = check(exercise("return 1 / 0"), capsys, "--json")
    found = json.loads(printed)
    assert (code, found["lesson"], found["file"], found["passed"]) == (1, 1, "mine.py", False)
    assert found["counts"] == {"PASS": 1, "FAIL": 1, "TODO": 4}
    assert found["seconds"] > 0
    assert found["problems"] == []
    first, *_, half, word = found["exercises"]
    assert (first["name"], first["state"], first["line"]) == ("1.1", "TODO", None)
    assert (half["name"], half["kind"], half["state"]) == ("1.5", "number", "PASS")
    assert word == {
        "name": "1.6", "kind": "bug", "state": "FAIL", "line": 8, "cell": None, "shipped": False,
        "message": "ZeroDivisionError: division by zero", "points": 0,
    }  # fmt: skip


@pytest.mark.usefixtures("toy")
def test_all_lessons_of_a_folder(capsys):
    Path("lesson_01_mine.py").write_text(GOOD, encoding="utf-8")
    Path("lesson_02_broken.py").write_text("x = 1", encoding="utf-8")
    assert main(["lessons", "check", "--file", "."]) == 1
    printed = capsys.readouterr().out
    assert "lesson_01_mine.py:\n[TODO] exercise 1.1" in printed
    assert "lesson_02_broken.py does not start a lesson" in printed
    assert "1 of 6 exercises solved, in 1 lessons" in printed
    assert main(["lessons", "check", "--file", ".", "--json"]) == 1
    mine, broken = json.loads(capsys.readouterr().out)["lessons"]
    assert (mine["counts"]["PASS"], broken["passed"]) == (1, False)
    assert "does not start a lesson" in broken["error"]
    assert main(["lessons", "check", "--file", "lesson_01_mine.py", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["lesson"] == 1
    Path("empty").mkdir()
    assert main(["lessons", "check", "--file", "empty"]) == 2


@pytest.mark.usefixtures("toy")
@pytest.mark.skipif(sys.platform == "win32", reason="links, pipes")
def test_what_is_handed_in_has_any_name_and_may_be_no_file(capsys):
    Path("ada").mkdir()
    for name in ("ada/lesson_01.py", "bob.py", ".hidden/c.py", "lesson_01_z.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(GOOD, encoding="utf-8")
    Path("helper.py").write_text("x = 1", encoding="utf-8")
    Path("lesson_02_folder.py").mkdir()
    Path("lesson_03_link.py").symlink_to("nowhere")
    os.mkfifo("lesson_04_pipe.py")
    Path("lesson_05_bytes.py").write_bytes(b"\xff\xfe\x00")
    assert main(["lessons", "check", "--file", ".", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["lessons"]
    good = ["ada/lesson_01.py", "bob.py", "lesson_01_z.py"]
    assert [x["file"] for x in found if x.get("counts", {}).get("PASS") == 1] == good
    errors = {x["file"].split("_")[2]: x["error"] for x in found[len(good) :]}
    assert "is a folder" in errors["folder.py"]
    assert "is no file" in errors["link.py"]
    assert "is no file" in errors["pipe.py"]
    assert "save it as UTF-8" in errors["bytes.py"]
    assert len(found) == len(good) + len(errors) == 7


@pytest.mark.usefixtures("toy")
def test_what_was_solved_is_told_where_progress_cannot_be_kept(capsys):
    Path("answers").write_text("a file", encoding="utf-8")
    code, printed = check(GOOD, capsys)
    assert (code, "1 of 6 solved" in printed) == (1, True)
    assert "not kept: " in printed
    assert "set MINIRES_ANSWERS" in printed


@pytest.mark.usefixtures("toy")
def test_a_file_as_editors_write_it(capsys):
    """With the mark of UTF-8, ends of lines of Windows, and a form feed, which ends no line."""
    text = GOOD.replace("@lesson", "\x0c\n# %%\nx = '\u2028'\n# %%\n@lesson")
    text += "# %%\n@lesson.exercise('1.6')\ndef g():\n    return 1 / 0\n"
    with open("mine.py", "wb") as file:
        file.write(text.replace("\n", "\r\n").encode("utf-8-sig"))
    for command in ("check", "run"):
        assert main(["lessons", command, "1", "--file", "mine.py"]) == 1 - (command == "run")
        printed = capsys.readouterr().out
        assert "[PASS] exercise 1.5" in printed
        assert "your line 13: return 1 / 0" in printed


@pytest.mark.usefixtures("toy")
def test_what_is_no_lesson(capsys):
    code, printed = check("x = 1\n", capsys)
    assert (code, "no Lesson(N) in it" in printed) == (2, True)
    code, printed = check("from minires.lessons import Lesson\nLesson(2)\n", capsys)
    assert (code, "is lesson 2, not 1" in printed) == (2, True)
    with open("mine.py", "wb") as file:
        file.write(b"\xff\xfe\x00")
    assert main(["lessons", "check", "1", "--file", "mine.py"]) == 2
    assert "is no text in UTF-8 (at byte 0); save it as UTF-8" in capsys.readouterr().err


@pytest.mark.usefixtures("toy")
def test_run_takes_a_file(capsys):
    with open("mine.py", "w", encoding="utf-8") as file:
        file.write(HEAD + "P = lesson.params(seeds=5)\nprint(P.seeds, __name__, 'σ')\n[][0]\n")
    assert main(["lessons", "run", "1", "--file", "mine.py", "seeds=2"]) == 1
    printed = capsys.readouterr()
    assert "2 __main__ σ" in printed.out
    assert 'mine.py", line 5' in printed.err
    assert "[][0]" in printed.err


ENTRY = f"""import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import toy_lesson
toy_lesson.main()
"""


def minires(*arguments, flags=(), **environment):
    return subprocess.run(
        [sys.executable, *flags, "-c", ENTRY, "lessons", *arguments],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
        env=os.environ | environment,
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", pytest.param("latin-1", marks=pytest.mark.slow)])
def test_copies_and_runs_on_other_terminals(encoding):
    other = {
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "LC_ALL": "C",
        "PYTHONIOENCODING": encoding,
    }
    assert minires("copy", "mine", **other).returncode == 0
    original = lesson_file(2).path
    with open(f"mine/{original.name}", "rb") as file:
        assert file.read() == original.read_bytes()
    with open("mine.py", "w", encoding="utf-8") as file:
        file.write(
            HEAD + "lesson.table([{'‖∂L/∂x‖': '0.5 ± 0.1'}])\nlesson.predict('σ', '∂?', mine=3)"
        )
    found = minires("run", "1", "--file", "mine.py", **other)
    assert (found.returncode, found.stderr) == (0, b"")
    found = minires("check", "1", "--file", "mine.py", **other)
    assert (found.returncode, found.stderr) == (1, b"")
    assert b"0 of 6 solved" in found.stdout


def test_without_asserts_and_docstrings_a_wrong_answer_still_fails():
    with open("mine.py", "w", encoding="utf-8") as file:
        file.write(exercise("return 'the data'"))
    for arguments in (("check", "1"), ("run", "1")):
        found = minires(*arguments, "--file", "mine.py", flags=["-OO"], PYTHONOPTIMIZE="2")
        assert b"[PASS] exercise 1.5" in found.stdout, found.stderr
        assert b"[FAIL] exercise 1.6" in found.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [("check", "1"), ("run", "1")])
def test_output_that_is_full_is_named_and_no_traceback(arguments):
    with open("mine.py", "w", encoding="utf-8") as file:
        file.write(GOOD)
    with open("/dev/full", "w", encoding="utf-8") as full:
        found = subprocess.run(
            [sys.executable, "-m", "minires", "lessons", *arguments, "--file", "mine.py"],
            stdout=full, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
    assert found.returncode == 2
    assert found.stderr == b"minires: error: standard output: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("command", ["run", "check"])
def test_an_endless_loop_ends_where_interrupts_are_ignored(command):
    with open("mine.py", "w", encoding="utf-8") as file:
        file.write(exercise("while True: pass"))
    script = "trap '' INT; \"$@\""
    found = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-c", ENTRY, "lessons", command, "1",
         "--file", "mine.py"],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=120,
        env=os.environ | {"MINIRES_EXERCISE_SECONDS": "0.3"}
    )  # fmt: skip
    assert b"[FAIL] exercise 1.6: stopped after" in found.stdout


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="signals to one process, /proc")
@pytest.mark.parametrize(
    "ending", ["SIGINT", pytest.param("SIGTERM", marks=pytest.mark.slow), "SIGKILL"]
)
def test_a_check_that_is_ended_leaves_no_process_behind(ending):
    begun = Path("begun")
    body = "import os\n    open('now', 'w').write(str(os.getpid()))\n    os.rename('now', 'begun')"
    Path("mine.py").write_text(exercise(body + "\n    while True: pass"), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(2, signal.default_int_handler)\n"
         + ENTRY, "lessons", "check", "1", "--file", "mine.py"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not begun.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(getattr(signal, ending))
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    if ending == "SIGINT":  # it names the exercise
        assert process.returncode == 130, err
        assert b"[STOP] exercise 1.6: interrupted" in out
    pid = int(begun.read_text(encoding="ascii"))
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_running(pid)


def test_points_of_a_graded_lesson(monkeypatch, capsys):
    from minires.lessons.checks import lesson_18

    only = {name: lesson_18.EXERCISES[name] for name in ("18.1", "18.2")}
    monkeypatch.setattr(lesson_18, "EXERCISES", only)
    Path("mine.py").write_text(
        "import numpy as np\nfrom minires.lessons import Lesson\nlesson = Lesson(18)\n"
        '@lesson.exercise("18.1")\ndef own(x):\n    return np.tanh(x)\n'
        '@lesson.exercise("18.2")\ndef own_pass(x, dy):\n    return own(x), dy * (1 - x**2)\n',
        encoding="utf-8",
    )
    assert main(["lessons", "check", "18", "--file", "mine.py"]) == 1
    printed = capsys.readouterr().out
    assert "[PASS] exercise 18.1 (10 of 10 points): ok" in printed
    assert "[FAIL] exercise 18.2 (0 of 15 points): dL/dx" in printed
    assert "worst entry" in printed
    assert "1 of 2 solved, 10 of 25 points" in printed
    assert main(["lessons", "check", "18", "--file", "mine.py", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["points"], found["most_points"]) == (10, 25)
    assert [e["points"] for e in found["exercises"]] == [10, 15]

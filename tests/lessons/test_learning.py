"""What a learner does with files: copies, hints, solutions, progress, reset, notebooks."""

import json
import re

import pytest

from minires.__main__ import main
from minires.lessons.exercise import Exercise
from minires.lessons.files import lesson_file, lesson_files
from minires.lessons.kit import exercises
from minires.lessons.progress import Progress

FIRST = lesson_file(1)
NAMES = list(exercises(1))


@pytest.fixture(name="call")
def _call(capsys):
    def call(*arguments, code=0):
        try:
            found = main(["lessons", *arguments])
        except SystemExit as stop:
            found = stop.code
        printed = capsys.readouterr()
        assert found == code, printed
        return printed.out + printed.err

    return call


def saved(folder="."):
    with open(f"{folder}/answers/progress.json", encoding="utf-8") as file:
        return json.load(file)


def test_the_list_says_what_is_solved_and_what_comes_next(call, tmp_path):
    printed = call("list")
    for f in lesson_files():
        assert f"{f.number:>2}  {f.title}" in printed
    assert re.search(rf"^next +{lesson_files()[0].number} ", printed, re.MULTILINE)
    progress = Progress(tmp_path)
    for f in lesson_files()[:2]:
        progress.change(f.number, solved=list(exercises(f.number)), read=True)
    printed = call("list")
    assert re.search(rf"^next +{lesson_files()[2].number} ", printed, re.MULTILINE)
    assert f"{len(NAMES)} of {len(NAMES)}" in printed


def test_hints_come_in_three_steps(call):
    for number in (1, 2, 3, 3):
        printed = call("hint", "1", NAMES[1])
        assert exercises(1)[NAMES[1]].hints[number - 1] in printed
        assert f"hint {number} of 3" in printed
        assert (f"{3 - number} more" in printed) == (number < 3)
    assert saved()["1"]["hints"] == {NAMES[1]: 3}
    assert NAMES[0] in call("hint", "1")  # the first that is to do
    printed = call("hint", "1", NAMES[0], "--all")
    assert all(hint in printed for hint in exercises(1)[NAMES[0]].hints)


def test_a_solution_is_shown_and_recorded(call):
    for name in NAMES:
        printed = call("solution", "1", name)
        assert "def " in printed
        assert "SOLUTION" not in printed
        assert f"It is recorded in answers/progress.json that you looked up {name}" in printed
    assert saved()["1"]["solutions"] == NAMES
    rows = call("progress").splitlines()
    row = next(line for line in rows if line.startswith(" 1 "))
    assert row.split()[1 : len(NAMES) + 1] == ["seen"] * len(NAMES)
    document = json.loads(call("progress", "--json"))
    assert document["1"]["exercises"] == document["1"]["solutions"] == NAMES


@pytest.mark.parametrize("kind", ["py", "ipynb"])
def test_reset_puts_an_exercise_back_and_keeps_a_backup(kind, call, tmp_path):
    if kind == "py":
        call("copy", ".", "1", "--student")
        file = tmp_path / FIRST.path.name
    else:
        call("notebook", "1", "--student", "-o", "mine.ipynb")
        file = tmp_path / "mine.ipynb"
    original = file.read_text(encoding="utf-8")
    mine = original.replace("return None", "return (")  # no Python
    file.write_text(mine, encoding="utf-8")
    Progress(tmp_path).change(1, solved=NAMES, predictions={"h": 1.0})
    assert "the file before" in call("reset", "1", NAMES[0], "--file", file.name)
    found = file.read_text(encoding="utf-8")
    assert found.count("return (") == mine.count("return (") - 1
    assert (tmp_path / f"{file.name}.before").read_text(encoding="utf-8") == mine
    assert saved()["1"]["solved"] == NAMES[1:]
    call("reset", "1", "--file", file.name)
    assert file.read_text(encoding="utf-8") == original
    assert (tmp_path / f"{file.name}.before2").read_text(encoding="utf-8") == found
    assert saved() == {}
    assert "nothing had changed" in call("reset", "1", "--file", file.name)


def test_reset_of_progress_alone_and_of_cells_that_are_gone(call, tmp_path):
    Progress(tmp_path).change(1, solved=NAMES)
    call("reset", "1", NAMES[0])
    assert saved()["1"]["solved"] == NAMES[1:]
    call("reset", "1")
    assert saved() == {}
    for name, text in (("mine.py", "x = 1\n"), ("mine.ipynb", '{"cells": []}')):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert "has no cell of exercise" in call("reset", "1", "--file", name, code=2)
        assert (tmp_path / name).read_text(encoding="utf-8") == text
    (tmp_path / "mine.ipynb").write_text("[]", encoding="utf-8")
    assert "expected a Jupyter notebook" in call("reset", "1", "--file", "mine.ipynb", code=2)


def test_copies_never_overwrite(call, tmp_path):
    call("copy", "mine", "--student")
    mine = tmp_path / "mine" / FIRST.path.name
    assert "# TODO" in mine.read_text(encoding="utf-8")
    mine.write_text("precious", encoding="utf-8")
    assert "--force" in call("copy", "mine", "1", code=2)
    assert mine.read_text(encoding="utf-8") == "precious"
    assert f"--file {FIRST.path.name}" in call("copy", "mine", "1", "--force")
    assert mine.read_bytes() == FIRST.path.read_bytes()
    call("copy", "one", "1")
    assert [p.name for p in (tmp_path / "one").iterdir()] == [FIRST.path.name]


def test_notebooks_keep_tags_and_are_not_overwritten(call, tmp_path):
    call("notebook", "1", "-o", "one.ipynb")
    call("notebook", "1", "-o", "one.ipynb", code=2)
    document = json.loads((tmp_path / "one.ipynb").read_text(encoding="utf-8"))
    tagged = [c for c in document["cells"] if c["metadata"].get("tags") == ["exercise"]]
    assert len(tagged) == len(NAMES)
    assert all("lesson.exercise(" in "".join(c["source"]) for c in tagged)


def test_progress_lives_beside_the_learners_file(call, tmp_path, monkeypatch):
    call("copy", "mine", "1", "--student")
    call("hint", "1", NAMES[0], "--file", f"mine/{FIRST.path.name}")
    assert saved("mine")["1"]["hints"] == {NAMES[0]: 1}
    assert not (tmp_path / "answers").exists()
    monkeypatch.setenv("MINIRES_ANSWERS", "elsewhere")
    call("hint", "1", NAMES[0])
    assert (tmp_path / "elsewhere" / "progress.json").exists()
    (tmp_path / "elsewhere" / "progress.json").write_text("{", encoding="utf-8")
    for action in (["list"], ["progress"], ["hint", "1"], ["reset", "1"]):
        assert "mend or remove it" in call(*action, code=2)


@pytest.mark.slow
def test_commands_that_are_named_find_the_learners_folder(call, tmp_path, monkeypatch):
    call("copy", "mine", "--student")
    mine = f"mine/{FIRST.path.name}"
    assert f"2 more: minires lessons hint 1 {NAMES[0]} --file {mine}\n" in call(
        "hint", "1", NAMES[0], "--file", mine
    )
    checked = call("check", "1", "--file", mine, code=1)
    assert call("check", "1", "--file", "mine", code=1) == checked
    assert "End of lesson 1. Still to do" in call("run", "1", "--fast", "--file", "mine")
    assert f"stuck? minires lessons hint 1 {NAMES[0]} --file {mine}\n" in checked
    Progress(tmp_path / "mine").change(1, solved=NAMES[:2])
    begins = f"minires lessons run 0 --file mine/{lesson_file(0).path.name} begins or goes on."
    for file in (mine, "mine"):
        printed = call("list", "--file", file)
        assert begins in printed
        assert f"2 of {len(NAMES)}" in printed
    monkeypatch.chdir("mine")
    assert f"hint 1 {NAMES[0]}\n" in call("check", "1", "--file", FIRST.path.name, code=1)
    assert begins.replace("mine/", "") in call("list")
    call("reset", "1", "--file", ".", code=2)


@pytest.mark.slow
def test_a_check_remembers_what_the_learner_solved_and_only_that(call, tmp_path):
    call("copy", "mine", "1")
    mine = tmp_path / "mine" / FIRST.path.name
    call("check", "1", "--file", str(mine))  # the solutions of minires
    assert not (tmp_path / "mine" / "answers").exists()
    text = mine.read_text(encoding="utf-8").replace("    # BEGIN SOLUTION\n", "    # mine\n", 2)
    mine.write_text(text, encoding="utf-8")
    call("check", "1", "--file", str(mine), "--json")  # a teacher's
    assert not (tmp_path / "mine" / "answers").exists()
    call("check", "1", "--file", str(mine))
    assert saved("mine")["1"]["solved"] == NAMES[:2]


@pytest.mark.parametrize("f", lesson_files(), ids=lambda f: f.path.stem)
def test_every_exercise_has_a_solution_to_show_and_three_hints(f, call):
    from minires.lessons.copies import solution

    for name, exercise in exercises(f.number).items():
        assert isinstance(exercise, Exercise)
        assert "def " in solution(f.number, name)


def test_help_is_given_where_progress_cannot_be_kept(call):
    with open("answers", "w", encoding="utf-8") as file:
        file.write("a file")
    printed = call("hint", "1", NAMES[0])
    assert exercises(1)[NAMES[0]].hints[0] in printed
    assert "not kept: cannot write" in printed
    printed = call("solution", "1", NAMES[0])
    assert "def " in printed
    assert "not kept: cannot write" in printed
    assert "It is recorded" not in printed

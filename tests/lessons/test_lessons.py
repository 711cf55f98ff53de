"""Every lesson runs: with its solutions, as a student gets it, and as a notebook's cells."""

import json
import os
import re
import runpy
import sys

import prose_numbers
import pytest

from minires import plotting
from minires.lessons import kit
from minires.lessons.files import cells, lesson_files, notebook, student_version

LESSONS = lesson_files()
FULLER = [  # claims that hold only with the parameters of learners, not with those of tests
    f for f in LESSONS if hasattr(prose_numbers.load(f.number), "claims_in_full")
]
EVERY = pytest.mark.skipif(
    "LESSONS_IN_FULL" not in os.environ, reason="claims nothing that the fast run does not claim"
)
RUNS = [  # by default the first
    pytest.param(lesson, fast, id=f"{lesson.path.stem}-{'fast' if fast else 'default'}",
                 marks=[pytest.mark.slow] * (i > 0 or not fast)
                 + [EVERY] * (not fast and lesson not in FULLER))
    for fast in (True, False)
    for i, lesson in enumerate(LESSONS)
    if not (fast and lesson in FULLER)
]  # fmt: skip
SOME = [  # the first by default; the site runs all of them, too
    pytest.param(lesson, marks=pytest.mark.slow if i else [], id=lesson.path.stem)
    for i, lesson in enumerate(LESSONS[::2])
]


@pytest.fixture(autouse=True)
def figures(tmp_path, monkeypatch):
    """Run in an empty folder; return the figures that are saved, by name."""
    for name in ("MINIRES_OUT", "MINIRES_ANSWERS", "MINIRES_CHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIRES_FAST", "1")
    monkeypatch.setattr(sys, "argv", ["lesson"])
    monkeypatch.setattr(kit, "latest", None)
    saved, save = {}, plotting.save_figure

    def remember(figure, stem, title):
        saved[stem.name] = figure
        return save(figure, stem, title)

    monkeypatch.setattr(plotting, "save_figure", remember)
    return saved


def verdicts():
    return {r.name: r.verdict for r in kit.latest.results}


@pytest.mark.parametrize(("lesson", "fast"), RUNS)
def test_with_solutions(lesson, fast, tmp_path, monkeypatch, figures, overlapping):
    if not fast:
        monkeypatch.delenv("MINIRES_FAST")
    namespace = runpy.run_path(str(lesson.path), run_name="__main__")
    assert verdicts() == dict.fromkeys(kit.exercises(lesson.number), "PASS")
    assert figures
    for name, figure in figures.items():
        assert overlapping(figure) == [], name
        note = figure.get_supxlabel()
        assert "seed" in note or "repeat" in note, name
        assert "spread" in note or "bands:" in note or "range" in note, name
        stem = tmp_path / "out" / "lessons" / name
        assert stem.with_suffix(".png").stat().st_size > 0
        assert stem.with_suffix(".svg").stat().st_size > 0
        assert len(stem.with_suffix(".csv").read_text(encoding="utf-8").splitlines()) > 3
    said = prose_numbers.load(lesson.number)
    said.claims(namespace)
    if not fast:
        getattr(said, "claims_in_full", lambda n: None)(namespace)
    assert set(said.headline(namespace)) == {"what", "measured", "reference", "verdict"}
    text = lesson.path.read_text(encoding="utf-8")
    for number in prose_numbers.numbers(text):  # those that the script computes are right
        prose_numbers.origin(number, said.NUMBERS, namespace, prose_numbers.settings(text))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda f: f.path.stem)
def test_a_lesson_shows_its_idea_and_no_matplotlib(lesson):
    text = lesson.path.read_text(encoding="utf-8")
    assert not re.search(r"matplotlib|\bplt\b|\baxis\.|\baxes\b|plotting|#[0-9a-fA-F]{6}\b", text)


@pytest.mark.parametrize("lesson", SOME)
def test_student_version_runs_to_the_end_with_one_seed(lesson, tmp_path, monkeypatch, capsys):
    run_as_student(lesson, tmp_path, monkeypatch, "--seeds=1")
    assert not re.search(r"\bnan\b", capsys.readouterr().out)


def test_a_check_of_a_students_version_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIRES_CHECK", "1")
    path = run_as_student(LESSONS[0], tmp_path, monkeypatch)
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


def run_as_student(lesson, folder, monkeypatch, *arguments):
    """Run a lesson with everything to do; warnings are errors here. Return its path."""
    text = student_version(lesson.path.read_text(encoding="utf-8"))
    assert "SOLUTION" not in text
    path = folder / lesson.path.name
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["lesson", *arguments])
    runpy.run_path(str(path), run_name="__main__")
    assert verdicts() == dict.fromkeys(kit.exercises(lesson.number), "TODO")
    return path


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (0, ["--seeds=1"]),
        pytest.param(2, ["--seeds=1", "--depths=8"], marks=pytest.mark.slow),
        pytest.param(5, ["--seeds=1", "--depths=8", "--epochs=1"], marks=pytest.mark.slow),
    ],
)
def test_one_seed_and_one_depth(number, arguments, monkeypatch, capsys, figures):
    lesson = next(f for f in LESSONS if f.number == number)
    monkeypatch.setattr(sys, "argv", ["lesson", *arguments])
    runpy.run_path(str(lesson.path), run_name="__main__")  # warnings are errors here
    assert not re.search(r"\bnan\b", capsys.readouterr().out)
    assert all("One seed" in f.get_supxlabel() for f in figures.values())


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda f: f.path.stem)
def test_notebook_has_the_same_cells(lesson):
    text = lesson.path.read_text(encoding="utf-8")
    document = json.loads(notebook(text))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    sources = [(c["cell_type"] == "markdown", "".join(c["source"])) for c in document["cells"]]
    assert sources == [(markdown, "\n".join(lines)) for markdown, lines in cells(text)]
    assert sources[0][1].startswith("# Lesson")
    code = "\n".join(source for markdown, source in sources if not markdown)
    compile(code, "notebook", "exec")

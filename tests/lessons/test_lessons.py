"""Every lesson runs: with its solutions, as a student gets it, and as a notebook's cells."""

import json
import runpy
import sys

import numpy as np
import pytest

from minires.lessons import kit
from minires.lessons.files import cells, lesson_files, notebook, student_version

LESSONS = lesson_files()


@pytest.fixture(autouse=True)
def sandbox(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIRES_FAST", "1")
    monkeypatch.delenv("MINIRES_OUT", raising=False)
    monkeypatch.setattr(sys, "argv", ["lesson"])
    monkeypatch.setattr(kit, "latest", None)


def results():
    return {name: passed for name, passed, _ in kit.latest.results}


def check_figures(tmp_path):
    pngs = list(tmp_path.glob("out/lessons/*.png"))
    assert pngs
    for png in pngs:
        assert png.with_suffix(".svg").stat().st_size > 0
        assert len(png.with_suffix(".csv").read_text().splitlines()) > 1


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda f: f.path.stem)
def test_with_solutions(lesson, tmp_path):
    namespace = runpy.run_path(str(lesson.path), run_name="__main__")
    assert results() == dict.fromkeys(kit.exercises(lesson.number), True)
    check_figures(tmp_path)
    CLAIMS[lesson.number](namespace)


def claims_of_lesson_1(n):
    assert 1e-7 < n["best"]["tanh", "float64"] < 1e-3
    assert n["lowest"]["tanh", "float64"] < 1e-8 < n["lowest"]["tanh", "float32"]
    assert n["left_arm"] == pytest.approx(2, abs=0.1)
    assert n["right_arm"] == pytest.approx(-1, abs=0.5)
    assert n["ones_error"] < 1e-12 < 0.1 < min(n["random_errors"])
    assert not n["report"]
    assert not n["bug_report"]
    assert [family for family, _ in n["bug_report"].hints] == ["normalisation"]
    assert n["ratio"] > 10


def claims_of_lesson_2(n):
    for (activation, init, depth), (measured, theory) in n["factors"].items():
        tolerance = 0.05 if depth < 20 else 0.03
        assert measured == pytest.approx(theory, rel=tolerance), (activation, init, depth)
    assert n["dx_ratio"] < 0.01
    assert 0.2 < n["dw_ratio"] < 5


def claims_of_lesson_5(n):
    shallow, deep = n["P"].depths[0], n["P"].depths[-1]
    plain = {d: np.mean(n["final_errors"]("none", d)) for d in (shallow, deep)}
    residual = {d: np.mean(n["final_errors"]("identity", d)) for d in (shallow, deep)}
    assert plain[deep] > plain[shallow] + 20
    assert plain[deep] > residual[deep] + 20
    assert n["best"]["none"][1] > n["best"]["identity"][1]
    assert n["plain_longer"].losses[-1] > n["residual_once"].losses[-1] / 10
    assert all(r.decades_lost() < 0 for r in n["flow"])


CLAIMS = {1: claims_of_lesson_1, 2: claims_of_lesson_2, 5: claims_of_lesson_5}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda f: f.path.stem)
def test_student_version_runs_to_the_end_with_everything_to_do(lesson, tmp_path):
    text = student_version(lesson.path.read_text())
    assert "SOLUTION" not in text
    path = tmp_path / lesson.path.name
    path.write_text(text)
    runpy.run_path(str(path), run_name="__main__")
    assert results() == dict.fromkeys(kit.exercises(lesson.number), False)
    assert all("None" in message for _, _, message in kit.latest.results)
    check_figures(tmp_path)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda f: f.path.stem)
def test_notebook_has_the_same_cells(lesson):
    text = lesson.path.read_text()
    document = json.loads(notebook(text))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    sources = [(c["cell_type"] == "markdown", "".join(c["source"])) for c in document["cells"]]
    assert sources == [(markdown, "\n".join(lines)) for markdown, lines in cells(text)]
    assert sources[0][1].startswith("# Lesson")
    code = "\n".join(source for markdown, source in sources if not markdown)
    compile(code, "notebook", "exec")


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda f: f.path.stem)
def test_in_full(lesson, tmp_path, monkeypatch):
    monkeypatch.delenv("MINIRES_FAST")
    runpy.run_path(str(lesson.path), run_name="__main__")
    assert all(results().values())

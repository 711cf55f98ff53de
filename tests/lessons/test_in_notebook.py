"""Lessons in Jupyter: what is displayed, how predictions are asked for, hints."""

import importlib.util
import json
import linecache
import sys
import types

import pytest

from minires.lessons import Lesson, desk
from minires.lessons.files import cells, lesson_file, lesson_files, notebook, student_version
from minires.lessons.kit import exercises
from minires.lessons.progress import Progress
from minires.results import read_text


class Kernel:
    """Stands for IPython: remembers what is displayed."""

    def __init__(self):
        self.shown, self.execution_count = [], 1

    def modules(self):
        display = types.ModuleType("IPython.display")
        display.Markdown = lambda text: ("markdown", text)
        display.Image = lambda filename, alt: ("image", alt)
        display.display = self.shown.append
        package = types.ModuleType("IPython")
        package.get_ipython = lambda: self
        package.display, package.version_info = display, (9, 0)  # Matplotlib looks
        return {"IPython": package, "IPython.display": display}


@pytest.fixture(name="kernel", params=["ipykernel", "pyodide_kernel"])
def _kernel(request, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("FAST", "FULL", "OUT", "ANSWERS", "CHECK"):
        monkeypatch.delenv(f"MINIRES_{name}", raising=False)
    kernel = Kernel()
    for name, module in {
        request.param: types.ModuleType(request.param),
        **kernel.modules(),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys, "argv", ["ipykernel_launcher", "-f", "kernel.json"])
    return kernel


def answers(monkeypatch, *texts):
    """Let `input` return these, one after the other; an exception is raised."""
    left = list(texts)

    def typed(prompt=""):
        found = left.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found

    monkeypatch.setattr("builtins.input", typed)
    return left


def test_markdown_and_figures_are_displayed(kernel, tmp_path):
    lesson = Lesson(1)
    lesson.say("Let $x$ be\n**bold**.")
    assert kernel.shown == [("markdown", "Let $x$ be\n**bold**.")]
    lesson.bars("b", "B", {"a": [1.0]}, x="error (%)")
    assert kernel.shown[-1] == ("image", "B. Bars of error (%). a: 1.")
    assert lesson.params(seeds=3).seeds == 3  # the command line is not the learner's


def test_where_the_front_end_asks_the_result_waits_for_a_prediction(kernel, monkeypatch):
    lesson = Lesson(1)
    left = answers(monkeypatch, "", "banana", "3", "unused")
    assert lesson.predict("n", "How many?") is None  # skipped
    lesson.reveal("n", "4", 4)  # asks before it tells
    assert left == ["unused"]
    assert "predicted 3 (25 % too low)" in kernel.shown[-1][1]
    assert Progress(desk.Path()).of(1).predictions == {"n": 3}
    assert Lesson(1).predict("n", "How many?") == 3  # and not again


@pytest.mark.parametrize("error", [RuntimeError("no stdin"), EOFError()])
def test_where_it_cannot_ask_the_cell_says_how(error, kernel, monkeypatch, capsys):
    answers(monkeypatch, error, error)
    lesson = Lesson(1)
    assert lesson.predict("why", "Why?", choices=("up", "down")) is None
    assert "write mine='up' into this call" in capsys.readouterr().out
    lesson.reveal("why", "it is up", "up")
    assert kernel.shown[-1][1].endswith("measured it is up; predicted -")


def test_a_browser_that_answers_later_is_no_answer(kernel, monkeypatch):
    async def later():
        return "3"

    answers(monkeypatch, later())
    assert Lesson(1).predict("n", "How many?") is None  # and no warning of what was not awaited


def test_hints_and_what_is_to_do_name_what_can_be_called_here(kernel, capsys):
    name = next(iter(exercises(1)))
    lesson = Lesson(1)
    stand_in = lesson.exercise(name)(lambda *values: None)
    assert f'lesson.hint("{name}")' in capsys.readouterr().out
    lesson.hint(name)
    lesson.hint(name)
    assert exercises(1)[name].hints[1] in kernel.shown[-1][1]
    for kernel.execution_count in (5, 5, 6):
        with pytest.raises(TypeError):
            stand_in("wrong", "number", "of", "arguments", "for", "any", "reference")
    assert capsys.readouterr().out.count("shown with the reference solution") == 2


@pytest.mark.parametrize("kernel", ["ipykernel"], indirect=True)
@pytest.mark.parametrize("lesson", lesson_files()[:1], ids=lambda f: f.path.stem)
def test_cells_of_an_editor_run_one_by_one(lesson, kernel, monkeypatch, tmp_path):
    monkeypatch.setenv("MINIRES_FAST", "1")
    namespace = {"__name__": "__main__"}  # a kernel's, which knows no __file__
    for i, (markdown, lines) in enumerate(cells(read_text(lesson.path))):
        if not markdown:
            name, code = f"<cell {i}>", "\n".join(lines) + "\n"
            linecache.cache[name] = (
                len(code),
                None,
                code.splitlines(True),
                name,
            )  # so does IPython
            exec(compile(code, name, "exec"), namespace)
    kinds = [kind for kind, _ in kernel.shown]
    assert "markdown" in kinds
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("nbclient"), reason="nbclient is not installed")
@pytest.mark.parametrize("student", [True, False])
@pytest.mark.parametrize("lesson", lesson_files()[:1], ids=lambda f: f.path.stem)
def test_executed_by_nbclient_nothing_fails(lesson, student, tmp_path, monkeypatch):
    import nbclient
    import nbformat

    monkeypatch.setenv("MINIRES_FAST", "1")
    text = read_text(lesson_file(lesson.number).path)
    book = nbformat.reads(notebook(student_version(text) if student else text), 4)
    nbformat.validate(book)
    nbclient.NotebookClient(book, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = json.dumps(book)
    assert ("[TODO]" in outputs) == student
    assert ("shown with the reference solution" in outputs) == student
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]


def test_a_program_that_has_only_imported_a_kernels_package_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    package = types.ModuleType("IPython")
    package.get_ipython = lambda: None
    monkeypatch.setitem(sys.modules, "IPython", package)
    assert not desk.in_notebook()
    package.get_ipython = object
    assert desk.in_notebook()

"""Cells as a page runs them, in a Python like a browser's: no Numba, a umask of 777."""

import json
import os
import subprocess
import sys

import pytest

from minires.lessons import html

ABSENT = ("numba", "llvmlite", "threadpoolctl", "safetensors", "pooch", "tqdm")
# Runs [name, arguments...] calls of a page; prints [result, outputs] for each.
PROGRAM = f"""
import json, os, sys
sys.modules.update(dict.fromkeys({ABSENT}))
os.umask(0o777)
calls, stdout, shown = json.load(sys.stdin), sys.stdout, []
from minires.lessons import page
page.connect(lambda kind, **fields: shown.append([kind, fields]))
for name, *arguments in calls:
    result = json.loads(page.call(name, json.dumps(arguments)))
    print(json.dumps([result, shown]), file=stdout)
    shown.clear()
"""
START = """
from minires.lessons import Lesson
import minires as mr
from minires import nn
from minires_kernels.backends import current_backend
lesson = Lesson(2)
P = lesson.params(seeds=10, browser={"seeds": 2})
net = nn.Linear(2, 2)
net(mr.tensor([[1.0, 2.0]])).sum().backward()
print(current_backend(), P.seeds, mr.get_num_threads())
"""
PREDICT = """
print("before")
lesson.predict("n", "How *many*?")
lesson.predict("why", "Why?", choices=("up", "down"))
print("after")
"""
REVEAL = """
lesson.reveal("n", "4", 4)
lesson.bars("b", "Bars", {"a": [1.0]}, x="error (%)")
6 * 7
"""
NO_MATPLOTLIB = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
EXERCISE = """
@lesson.exercise("2.1")
def decades():
    return {}
"""


def run(calls, folder, **environment):
    places = {"MINIRES_OUT": str(folder), "MINIRES_ANSWERS": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(calls), capture_output=True, text=True,
        encoding="utf-8", env=os.environ | places | environment, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture(scope="module", name="session")
def _session(tmp_path_factory):
    """A lesson from its first cell to a figure, with everything that a reader may do."""
    calls = {
        "start": ["start", 2, {"solved": ["2.2"], "unknown": 1}],
        "first": ["run", START, 1],
        "asks": ["run", PREDICT, 2],
        "again": ["answer", "banana"],
        "asks on": ["answer", "3"],
        "skipped": ["answer", None],
        "known": ["know", {"why": "down"}],
        "not asked": ["run", PREDICT, 9],
        "figure": ["run", REVEAL, 3],
        "todo": ["run", EXERCISE.format("None"), 4],
        "wrong": ["run", EXERCISE.format("20"), 4],
        "right": ["run", EXERCISE.format("6.0206"), 4],
        "error": ["run", "x = 1\n\nprint('so far'); 1 / 0", 5],
        "syntax": ["run", "def f(:", 6],
        "exit": ["run", "lesson.predict('n', 'How many?', mine='no number')", 7],
        "hint": ["hint", "2.1"],
        "solution": ["solution", "2.1"],
        "once more": ["run", PREDICT.replace('"n"', '"m"'), 8],
        "progress": ["progress"],
    }
    folder = tmp_path_factory.mktemp("page")
    found, told = run(list(calls.values()), folder, MINIRES_BROWSER="1")
    return dict(zip(calls, found, strict=True)) | {"told": told, "folder": folder}


def texts(shown):
    return "".join(fields["text"] for kind, fields in shown if kind == "text")


def seen(shown):
    """Return the text that is left on the page, of a cell that has stopped."""
    kind, fields = shown[-1]
    assert kind == "keep"
    return texts(shown[: fields["keep"]])


def test_the_reference_backend_runs_and_says_so_once(session):
    assert session["first"][0]["state"] == "done", session["first"]
    assert texts(session["first"][1]).splitlines()[-1] == "reference 2 1"
    assert "Numba is not installed" in texts(session["first"][1])
    assert session["told"] == ""  # everything goes to the page


def test_a_question_stops_the_cell_and_the_answer_goes_on_with_it(session):
    result, shown = session["asks"]
    assert seen(shown) == "before\n"
    assert result["question"] == {"key": "n", "html": "How <em>many</em>?", "choices": []}
    assert session["again"][0]["question"]["complaint"].startswith("expected a number")
    result, shown = session["asks on"]
    assert (result["state"], result["question"]["choices"]) == ("asks", ["up", "down"])
    assert "recorded: 3" in texts(shown)
    assert shown[-1] == ["keep", {"keep": 3}]  # of the outputs of this cell
    assert session["once more"][1][-1] == ["keep", {"keep": 1}]
    result, shown = session["skipped"]
    assert result["state"] == "done"
    assert texts(shown).endswith("after\n")


def test_what_a_form_of_the_page_was_told_is_not_asked_again(session):
    result, shown = session["not asked"]
    assert result["state"] == "done"
    assert "recorded before: down" in texts(shown)


def test_figures_are_svg_with_words_and_values_are_shown(session):
    result, shown = session["figure"]
    assert result["state"] == "done"
    assert [kind for kind, _ in shown] == ["markdown", "figure", "text"]
    assert "predicted 3 (25 % too low)" in shown[0][1]["html"]
    assert shown[1][1]["svg"].startswith("<svg")
    assert shown[1][1]["alt"].startswith("Bars")
    assert shown[2][1]["text"] == "42\n"


def test_verdicts(session):
    verdicts = [session[key][1][-1][1] for key in ("todo", "wrong", "right")]
    assert [v["verdict"] for v in verdicts] == ["TODO", "FAIL", "PASS"]
    assert verdicts[1]["where"] == "your line 3: def decades():"


def test_errors_name_the_readers_own_line(session):
    result, shown = session["error"]
    assert (result["message"], result["line"]) == ("ZeroDivisionError: division by zero", 3)
    assert result["source"] == "print('so far'); 1 / 0"
    assert texts(shown) == "so far\n"
    assert "page.py" not in result["trace"]
    assert session["syntax"][0]["line"] == 1
    assert "prediction n: expected a number" in session["exit"][0]["message"]


def test_help_and_progress(session):
    assert session["hint"][0]["shown"] == 1
    assert "return 20 * math.log10(2)" in session["solution"][0]
    kept = session["progress"][0]
    assert kept["predictions"] == {"n": 3.0, "why": "down"}
    assert kept["solved"] == ["2.2", "2.1"]
    assert (kept["hints"], kept["solutions"]) == ({"2.1": 1}, ["2.1"])
    progress = session["folder"] / "progress.json"
    assert progress.stat().st_mode & 0o777 == 0o600
    assert json.loads(progress.read_text("utf-8"))["2"] == kept


def test_what_is_not_loaded_is_asked_for(tmp_path):
    start = NO_MATPLOTLIB + START
    draws = "print('drawn'); lesson.bars('b', 'Bars', {'a': [1.0]}, x='error (%)')"
    load = "del sys.meta_path[0]"
    found, _ = run([["start", 2], ["run", start, 1], ["run", draws, 2], ["run", load, 3]], tmp_path)
    result, shown = found[2]
    assert (result["state"], result.get("package")) == ("needs", "matplotlib"), result
    assert seen(shown) == "drawn\n"
    assert found[3][0]["state"] == "done"


def test_markdown_as_html():
    assert html.render("Let $x_{l-1}$ be **bold** & `a<b`.") == (
        '<p>Let <span class="formula">xₗ₋₁</span> be <strong>bold</strong> &amp; '
        "<code>a&lt;b</code>.</p>"
    )
    assert (
        html.render("- one\n- *two*\n  more") == "<ul><li>one</li><li><em>two</em> more</li></ul>"
    )
    assert html.render("$$a = b$$") == '<p class="formula">a = b</p>'
    assert html.render("|a|b|\n|-|-|\n|1|2|").count("<td>") == 2
    assert html.inline("[x](javascript:alert(1)) <b>") == "x &lt;b&gt;"

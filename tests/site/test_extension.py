"""The site's extension: docstrings in plain text become reStructuredText, formulas MathML."""

import importlib.util
import sys
import types
from pathlib import Path

import pytest

SITE = Path(__file__).parents[2] / "lessons" / "site"
MISSING = [m for m in ("sphinx", "latex2mathml") if importlib.util.find_spec(m) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@pytest.fixture(scope="module", autouse=True)
def _on_path():
    sys.path.insert(0, str(SITE))
    yield
    sys.path.remove(str(SITE))
    for name in [n for n in sys.modules if n.split(".")[0] == "minires_site"]:
        del sys.modules[name]


def html(docstring):
    from docutils.core import publish_parts
    from minires_site.docstrings import to_rst

    settings = {"report_level": 1, "halt_level": 1, "warning_stream": None}
    text = "\n".join(to_rst(docstring.strip("\n").split("\n")))
    return publish_parts(text, writer="html5", settings_overrides=settings)["body"]


def test_what_looks_like_markup_is_text():
    shown = html("y = a*b* + |x|_ ** 2, of `conv2d`, `x`s:: (1) self.w_ dy[n,c]\n1. e4 opens")
    assert "y = a*b* + |x|_ ** 2, of" in shown
    assert '<span class="docutils literal">conv2d</span>' in shown
    assert "s:: (1) self.w_" in shown
    assert "<li>" not in shown


def test_columns_become_definitions_and_indented_lines_code():
    shown = html(
        """
Fit a line.

x       where, (n,)
weight  how much each counts,
        or None
and a line of text.

    net = fit(x)

    print(net)

- one
  and on
- two
"""
    )
    assert shown.count("<dt>") == 2
    assert "how much each counts,\nor None" in shown
    assert "<p>and a line of text.</p>" in shown
    assert "net = fit(x)\n\nprint(net)" in shown
    assert shown.count("<li>") == 2
    assert "one\nand on" in shown


def test_an_example_in_a_modules_docstring_is_code():
    from minires_site.docstrings import with_code

    told = ["Kernels: y = x * w.", "", "import minires as mr", "mr.tensor(1)", "", "y is x, or so"]
    found = with_code(told)
    assert found[:3] == ["Kernels: y = x * w.", "", "    import minires as mr"]
    assert found[-1] == "y is x, or so"


@pytest.mark.parametrize("display", [True, False])
def test_formulas_are_elements_with_words(display):
    from minires_site.mathml import to_mathml

    made = to_mathml(r"\frac{\partial L}{\partial x} = -0.5 < \sqrt{2}", display)
    assert made.startswith("<math alttext=")
    assert "∂L/∂x = −0.5 &lt; √2" in made
    assert '<mo form="prefix">' in made


def test_predictions_and_results_of_a_cell_are_found():
    from minires_site.record import calls

    code = 'lesson.predict(\n    "part", "Which?",\n)\nfor i in "ab":\n    lesson.reveal("part", i)'
    assert calls(code, "predict") == ["part"]
    assert calls(code, "reveal") == ["part"]


def test_a_line_that_begins_with_a_per_cent_sign_is_no_comment():
    from minires_site.prepare import linked

    said = "left with 89.6\n% of the [errors](lesson_05_degradation.py), 3 %"
    assert linked(said) == "left with 89.6\n\\% of the [errors](./lesson_05_degradation.ipynb), 3 %"


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [("so ", ". Then", (0, 1)), ("(", " each)", (1, 0)), ("so ", " is", (0, 0))],
)
def test_a_formula_keeps_the_sign_beside_it_on_its_line(before, after, found):
    from docutils import nodes
    from minires_site import mathml

    formula = nodes.math("", "x = 1")
    nodes.paragraph("", "", nodes.Text(before), formula, nodes.Text(after))
    translator = types.SimpleNamespace(body=[])
    with pytest.raises(nodes.SkipNode):
        mathml._inline(translator, formula)
    start, end = translator.body[0].split("<math")[0], translator.body[0].split("</math>")[1]
    assert (mathml.JOINER in start, mathml.JOINER in end) == tuple(map(bool, found))
    assert ("joined" in start) == any(found)


@pytest.mark.parametrize(
    ("code", "tags", "folded"),
    [
        ("def wrong(): ...", "", False),
        ("lesson.say('x')", "", True),
        ("lesson.say('x')", "show", False),
        ("lesson.predict('n', 'How many?')", "", True),
        ("x = 1\n" * 40, "", True),
        ("x = 1\n" * 40, "exercise", False),
    ],
)
def test_code_is_folded_if_it_is_long_or_says_what_the_page_shows(code, tags, folded):
    from docutils import nodes
    from minires_site import cells

    source = nodes.container("", nodes.literal_block(code, code), nb_element="cell_code_source")
    cell = nodes.container("", source)
    cell["data-tags"] = tags
    cells._fold(cell)
    assert ("<details" in cell.astext()) == folded

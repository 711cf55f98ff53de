"""Markdown and formulas on a terminal."""

import re

import pytest

from minires import console  # noqa: F401  (registers how text is written in ASCII)
from minires.lessons import formulas, prose, symbols
from minires.lessons.files import cells, lesson_files
from minires.results import read_text

PLAIN = prose.Look()


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"x_l = \varphi(W_l x_{l-1})", "xₗ = φ(Wₗ xₗ₋₁)"),
        (r"\frac{\partial L}{\partial x_0} = J_1^\top \cdots J_L^\top", "∂L/∂x₀ = J₁ᵀ ⋯ J_Lᵀ"),
        (r"\sqrt{n\,\mathrm{Var}(w)\,E[\varphi'^2]}", "√(n Var(w) E[φ′²])"),
        (r"\frac{L(x+h) - L(x-h)}{2h}", "(L(x + h) − L(x − h))/(2h)"),
        (r"\frac{1}{n}\sum_{i=1}^{n} (x_i - \mu)^2", "(1/n) Σᵢ₌₁ⁿ (xᵢ − μ)²"),
        (r"\prod_{l=1}^{L} \left(1 + \tfrac1n\right)", "∏ₗ₌₁ᴸ (1 + 1/n)"),
        (r"\hat x = \frac{x-\mu}{\sqrt{\sigma^2+\epsilon}}", "x̂ = (x − μ)/√(σ² + ε)"),
        (r"\frac{\lVert \partial L/\partial x_0 \rVert}{\lVert x \rVert}", "‖∂L/∂x₀‖/‖x‖"),
        (r"2^{-126} \approx 1.2 \cdot 10^{-38}", "2⁻¹²⁶ ≈ 1.2 · 10⁻³⁸"),
        (r"e^{-x/2} \le a \ne b \to \infty", "e^(−x/2) ≤ a ≠ b → ∞"),
        (r"\sqrt{\frac{\pi}{\pi-1}}, \sqrt n, 1/\sqrt n", "√(π/(π − 1)), √n, 1/√n"),
        (r"\frac{\frac{a}{b}}{c} \odot \frac{d}{dx}\tanh x", "(a/b)/c ⊙ (d/dx) tanh x"),
        (r"W_{\text{out}}, x_{i,j}, E[x \mid y]", "Wₒᵤₜ, x_(i,j), E[x | y]"),
        (r"-x + (-y), \max(0, x), \log x", "−x + (−y), max(0, x), log x"),
        (r"\left(\frac{a}{b}\right)^2, \frac{a}{b}^2, 1{,}000", "(a/b)², (a/b)², 1,000"),
        (r"\frac{\text{open for both}}{\text{open for each}}", "(open for both)/(open for each)"),
        (r"\text{if } x > 0, \Delta W, 10\,\%", "if x > 0, ΔW, 10 %"),
    ],
)
def test_formulas_in_plain_text(tex, text):
    assert formulas.inline(tex) == text


def test_formulas_without_small_letters():
    found = formulas.inline(r"x_{l-1} = W_l^\top e^{2x} \sqrt n", scripts=False)
    assert found == "x_(l−1) = W_l^T e^(2x) √(n)"
    assert found.encode("ascii", "minires.readable") == b"x_(l-1) = W_l^T e^(2x) sqrt(n)"


def test_every_symbol_can_be_written_in_ascii():
    texts = [p.text for p in symbols.COMMANDS.values()] + list(symbols.ACCENTS.values())
    assert b"\\u" not in "".join(texts).encode("ascii", "minires.readable")


def test_formulas_on_several_lines_are_aligned():
    tex = r"\begin{aligned} a &= b + c \\ \frac{\partial L}{\partial x} &= d \end{aligned}"
    assert formulas.display(tex) == ["    a = b + c", "∂L/∂x = d"]


@pytest.mark.parametrize("tex", [r"\nonsense x", "{x", "x}", r"\frac{a}", "x^", r"\begin{cases} a"])
def test_what_is_no_formula_is_refused_and_shown_as_it_is(tex):
    with pytest.raises(formulas.FormulaError):
        formulas.inline(tex)
    assert tex in prose.render(f"text ${tex}$ text", PLAIN)


@pytest.mark.parametrize("lesson", lesson_files(), ids=lambda f: f.path.stem)
@pytest.mark.parametrize("columns", [40, 88])
def test_every_formula_of_every_lesson_is_readable(lesson, columns):
    for markdown, lines in cells(read_text(lesson.path)):
        if not markdown:
            continue
        text = "\n".join(lines)
        for scripts in (True, False):
            shown = prose.render(text, prose.Look(columns, scripts=scripts))
            without_code = re.sub(r"`[^`]*`|^    .*`.*$", "", shown, flags=re.MULTILINE)
            assert not re.search(r"[\\{$]", without_code), without_code
            assert "**" not in without_code
    for tex in formulas_of(read_text(lesson.path)):
        formulas.display(tex)


def formulas_of(text):
    """Return the formulas of a lesson's code, in what it says and asks."""
    code = "\n".join("\n".join(lines) for markdown, lines in cells(text) if not markdown)
    found = re.findall(r"\$\$(.+?)\$\$|\$(?=[^\s$])([^$\n]+?)(?<=\S)\$", code, re.DOTALL)
    return [  # of an f-string: braces are doubled, backslashes too where it is not raw
        re.sub(r"\{\{(.*?)\}\}", r"{\1}", (a or b).replace("\\\\", "\\")) for a, b in found
        if "{" not in (a or b).replace("{{", "")
    ]  # fmt: skip


MARKDOWN = """# A heading with $x_l$

A paragraph that is **bold**, *slanted*, `code`, a [link](https://example.org/a_b) and
5 * 3 * 2, a_b_c.

1. one
2. two, which is
   long
   - deeper

> quoted

| name | value |
|------|-------|
| $x^2$ | a long text in a cell |

```python
x = {"a": 1}
```

$$y = F(x) + x$$
"""


def test_every_kind_of_block():
    assert prose.render(MARKDOWN, prose.Look(50)) == (
        "A heading with xₗ\n─────────────────\n\n"
        "A paragraph that is *bold*, _slanted_, `code`, a\n"
        "link (https://example.org/a_b) and 5 * 3 * 2,\na_b_c.\n\n"
        "  1. one\n  2. two, which is long\n       - deeper\n\n"
        "│ quoted\n\n"
        "name  value\n────  ─────────────────────\nx²    a long text in a cell\n\n"
        '    x = {"a": 1}\n\n'
        "    y = F(x) + x"
    )


def test_colours_only_where_they_are_wanted():
    coloured = prose.render(MARKDOWN, prose.Look(50, colour=True))
    assert "\x1b[1mbold\x1b[0m" in coloured
    assert "\x1b[36mcode\x1b[0m" in coloured
    assert "\x1b" not in prose.render(MARKDOWN, PLAIN)


@pytest.mark.parametrize("columns", [20, 33, 60, 88])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal(columns, colour):
    text = MARKDOWN.replace("https://example.org/a_b", "u")
    for line in prose.render(text, prose.Look(columns, colour)).splitlines():
        assert prose.columns(line) <= columns, line

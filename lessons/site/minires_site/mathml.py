"""Formulas as MathML, which browsers draw by themselves: no script, no font from elsewhere."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from latex2mathml import converter

from minires.lessons import formulas

LONG = 30  # letters of LaTeX
JOINER = "&#8288;"  # a browser would begin a line with the full stop behind a formula
# A minus behind another sign, a bracket or nothing stands close to its number.
_SIGN = re.compile(
    r"((?:<mrow>|<mo[^>]*>(?:=|\(|,|&#x0003D;|&#x00028;|&#x0002C;|&#x022C5;|&#x02248;|&#x02208;)</mo>))<mo>&#x02212;</mo>"
)


def to_mathml(tex: str, display: bool) -> str:
    """Return a formula of LaTeX as an element, with its reading in plain text as `alttext`."""
    made = converter.convert(tex, display="block" if display else "inline")
    try:
        read = " ; ".join(formulas.display(tex)) if display else formulas.inline(tex)
    except formulas.FormulaError:
        read = tex
    made = _SIGN.sub(r'\1<mo form="prefix">&#x02212;</mo>', made)
    made = made.replace("<mo>/</mo>", '<mo lspace="0" rspace="0">/</mo>')
    return made.replace("<math ", f'<math alttext="{html.escape(" ".join(read.split()))}" ', 1)


def _beside(node: Any) -> tuple[str, str]:
    """Return the text right before and right behind a formula."""
    row = node.parent.children
    i = row.index(node)
    pair = (row[i - 1] if i else None, row[i + 1] if i + 1 < len(row) else None)
    before, after = (str(n) if isinstance(n, nodes.Text) else "" for n in pair)
    return before, after


def _inline(translator: Any, node: Any) -> None:
    made = to_mathml(node.astext(), display=False)
    if len(node.astext()) > LONG:  # browsers break no formula: a phone lets it scroll
        made = f'<span class="long-formula">{made}</span>'
    before, after = _beside(node)
    start = JOINER if before.endswith(("(", "[", "“")) else ""
    end = JOINER if after.startswith((".", ",", ";", ":", "?", "!", ")", "]", "”")) else ""
    if start or end:  # the joiner holds to the text outside, the span to the formula
        made = f'<span class="joined">{start}{made}{end}</span>'
    translator.body.append(made)
    raise nodes.SkipNode


def _block(translator: Any, node: Any) -> None:
    made = to_mathml(node.astext(), display=True)
    translator.body.append(f'<div class="math">{made}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    """Register the renderer that `html_math_renderer` names."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))

"""Where each number in the lessons' prose comes from.

    python tests/lessons/prose_numbers.py        # every lesson; or: … 2 5

Prose is the markdown cells of a lesson and the fixed parts of what `lesson.say` prints (the rest of
it is computed as it is printed). A number there is accounted for if

* `NUMBERS` in claims/lesson_NN.py computes it from what the script measured, or says what;
* its paragraph, or the paragraph above its table, cites a source;
* it is a setting: the same number stands in the lesson's code (a depth, a rate, a width).

Formulas, `code`, years, 0, 1 and 2, and the numbers that name lessons, tables, papers and nets are
left out.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLAIMS = Path(__file__).parent / "claims"
CITATION = re.compile(
    r"\[[^\]]*\]\(https?://[^)]*\)|arXiv[ :]*\d{4}\.\d{4,5}"
    r"|[A-Z]\w+(?: (?:and|&) [A-Z]\w+| et al\.)?,? \(?(?:19|20)\d\d"
    r"|\b(?:Table|Figure|Theorem|Section|footnote) \d+|§\s*\d"
)
LEFT_OUT = (
    r"```.*?```",
    r"\$\$.*?\$\$",
    r"\$[^$]*\$",
    r"`[^`]*`",
    r"\]\([^)]*\)",  # the target of a link
    r"https?://\S+",
    r"\b(?:arXiv|issue|notebook)[ :#]*[\d._]+",
    r"\b\w+#\d+",
    # what is only a name: Lesson 3, exercises 2.1 and 2.2, Table 6, Figures 1 and 6, §4.1
    r"(?:\b(?:lessons?|exercises?|tables?|figures?|equations?|theorems?|sections?|footnotes?|chapters?|steps?"
    r"|tutorial|appendix|option)|§+|\beq\.)"
    r"\s*\(?\d[\d.a-z]*\)?(?:(?:,| and| to| or|–|-)\s*\d[\d.]*)*",
    r"\b(?:19|20)\d\d[a-z]?\b",  # years
    r"\b[A-Za-z]+\w*-\d+(?:(?:/|, ?-| and -)\d+)*",  # ResNet-110, plain-20
    r"\b[A-Za-z]+\d[\w]*",  # float32, L2
    r"\b\d+-(?:d|D)\b",  # 1-D
    r"^\s*\d+\.\s",  # the items of a list
)
NUMBER = re.compile(r"(?<![\w.])[-−+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")


@dataclass(frozen=True)
class Found:
    """A number of a lesson's prose, with its line and its paragraph."""

    line: int
    text: str
    paragraph: str


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of each paragraph or item of a list; a table belongs to the one above."""
    markdown, start, lines = False, 0, []
    for i, line in enumerate([*text.splitlines(), "# %%"], 1):
        if line.startswith("# %%") or not markdown:
            if lines:
                yield start, "\n".join(lines)
            markdown, lines = "[markdown]" in line, []
            continue
        body = re.sub(r"^# ?", "", line)
        begins = re.match(r"\s*(?:[-*]|\d+\.) |#", body) is not None
        if lines and (begins or (not body.strip() and not _table_follows(text, i))):
            yield start, "\n".join(lines)
            lines = []
        if body.strip():
            start = start if lines else i
            lines.append(body)


def _table_follows(text: str, line: int) -> bool:
    lines = text.splitlines()
    return line < len(lines) and lines[line].startswith("# |")


def said(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, fixed text) of each paragraph that `lesson.say` prints."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "say" and node.args:
            for argument in ast.walk(node.args[0]):
                if isinstance(argument, ast.JoinedStr):
                    fixed = "".join(
                        v.value if isinstance(v, ast.Constant) else "{}" for v in argument.values
                    )
                    yield argument.lineno, fixed
            if isinstance(node.args[0], ast.Constant):
                yield node.lineno, node.args[0].value


def numbers(text: str) -> list[Found]:
    """Return every number of the prose that is not only part of a name, a formula or code."""
    found = []
    for line, paragraph in [*paragraphs(text), *said(text)]:
        rest = paragraph
        for pattern in LEFT_OUT:
            rest = re.sub(pattern, " ", rest, flags=re.DOTALL | re.MULTILINE | re.IGNORECASE)
        found += [Found(line, m.group(), paragraph) for m in NUMBER.finditer(rest)]
    return [f for f in found if f.text not in ("0", "1", "2")]


def settings(text: str) -> dict[float, int]:
    """Return the numbers that stand in the code of a lesson, with the first line of each."""
    found: dict[float, int] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float):
            found.setdefault(float(node.value), node.lineno)
    return found


def claims_file(number: int) -> Path:
    """Return the file of claims about a lesson."""
    return CLAIMS / f"lesson_{number:02d}.py"


def load(number: int) -> Any:
    """Return the module of claims about a lesson."""
    spec = importlib.util.spec_from_file_location(f"claims_{number:02d}", claims_file(number))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def origin(
    found: Found, known: dict[str, Any], namespace: dict[str, Any], code: dict[float, int]
) -> str:
    """Return where a number comes from, or "" where nothing says so.

    Raises AssertionError if it is not what the script computes.
    """
    text = found.text.replace("−", "-")
    source = known.get(text, known.get(found.text))
    if isinstance(source, str):
        return source
    if source is not None:
        value = float(source(namespace))
        printed = float(text.replace(",", ""))
        decimals = len(text.partition(".")[2].partition("e")[0])
        assert abs(value - printed) <= 0.501 * 10.0**-decimals, (
            f"line {found.line}: the text says {found.text}, the script computes {value:.8g}"
        )
        return f"computed: {value:.6g}"
    cited = CITATION.search(found.paragraph)
    if cited:
        return f"cited: {cited.group()}"
    line = code.get(float(text.replace(",", "")))
    return f"setting: line {line}" if line else ""


def main(arguments: list[str]) -> int:
    """Print every number with its origin; return 1 if one has none."""
    from minires.lessons import runner
    from minires.lessons.files import lesson_files

    missing = 0
    for lesson in lesson_files():
        if arguments and str(lesson.number) not in arguments:
            continue
        namespace = runner.namespace(lesson.path)
        known = load(lesson.number).NUMBERS
        text = lesson.path.read_text(encoding="utf-8")
        code = settings(text)
        for found in numbers(text):
            where = origin(found, known, namespace, code)
            missing += not where
            print(f"{lesson.number}  line {found.line:>3}  {found.text:>9}  {where or 'UNKNOWN'}")
    print(f"{missing} numbers without an origin")
    return int(missing > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

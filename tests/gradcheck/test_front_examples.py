"""The page "How to check your gradients": its code prints what it shows."""

import importlib.util
import math
import re
from pathlib import Path

import pytest

from lessons.site import examples

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "lessons" / "site" / "gradients.md"
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
NOISE = 1e-6  # errors of differences: other processors and libraries have others


def same(shown, printed):
    """Whether two lines agree but for the last digits of numbers, and for columns' widths.

    Which entry of a right gradient is off most is a matter of rounding.
    """
    rows = [line.removeprefix("E").split() for line in (shown, printed)]
    if all(row[-1:] == ["PASS"] and len(row) > 5 for row in rows):
        return rows[0][:3] == rows[1][:3]
    words = [NUMBER.sub("#", " ".join(line.split())) for line in (shown, printed)]
    numbers = [list(map(float, NUMBER.findall(line))) for line in (shown, printed)]
    return words[0] == words[1] and all(
        math.isclose(a, b, rel_tol=0.02) or max(abs(a), abs(b)) < NOISE
        for a, b in zip(*numbers, strict=True)
    )


def test_the_comparison_can_tell():
    assert same("x  1.1e-10  2.0", "x 9e-11 2.01")
    assert not same("x 1.0 PASS", "x 1.0 FAIL")
    assert same("x 2×3 6/6 1 0 (0, 1) 1.0 PASS", "x 2×3 6/6 1 0 (1, 2) 3.0 PASS")
    assert not same("x 2×3 6/6 1 0 (0, 1) 1.0 PASS", "w 2×3 6/6 1 0 (0, 1) 1.0 PASS")
    assert not same("x 1.0", "x 1.1")


@pytest.mark.slow
def test_the_page_shows_what_its_code_prints():
    page = PAGE.read_text(encoding="utf-8")
    assert "% needs: torch" in page
    shown, printed = page.splitlines(), examples.run(page).splitlines()
    wrong = [(a, b) for a, b in zip(shown, printed, strict=False) if not same(a, b)]
    assert wrong == []
    assert len(shown) == len(printed)


def test_every_output_is_recorded_and_none_is_an_accident():
    page = PAGE.read_text(encoding="utf-8")
    assert "```text\n```" not in page
    for accident in ("TypeError:", "AttributeError:", "NameError:", "/tmp", "0x7"):
        assert accident not in page


def test_blocks_run_as_their_marks_say(tmp_path):
    page = (
        "```python\nx = 1\nprint(x)\n```\n\n```text\nold\n```\n"
        "% file: f.py\n```python\ny = 2\n```\n"
        "```python\nfrom f import y\nprint(y); 1 / 0\n```\n```text\n```\n"
        "% needs: no_such_package\n```python\nimport no_such_package\n```\n```text\nkept\n```\n"
        "% shown\n```sh\nrm -rf everything\n```\n"
    )
    found = examples.run(page)
    assert "```text\n1\n```" in found
    assert "2\n" in found
    assert "ZeroDivisionError: division by zero\n```" in found
    assert "```text\nkept\n```" in found
    assert importlib.util.find_spec("no_such_package") is None

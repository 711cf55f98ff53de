"""Reports as HTML: the page that `--html` writes, and what a notebook shows."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from minires.__main__ import main
from minires.gradcheck import check_backward, heat, owed


class Parsed(HTMLParser):
    """Refuses tags that do not match; keeps text and attributes."""

    VOID = frozenset({"meta", "rect", "br"})

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.tags = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def relu(x):
    return np.maximum(x, 0)


def half_wrong(dy, x):
    dx = dy * (x > 0)
    dx[..., -1] *= 2
    return dx


def report(shape=(2, 3, 4, 5), seed=0):
    return check_backward(relu, half_wrong, np.random.default_rng(seed).standard_normal(shape))


def test_the_fragment_says_what_the_report_says():
    found = report()
    parsed = Parsed(found._repr_html_())
    assert "FAIL half_wrong" in parsed.text
    assert found.rows[0].where in parsed.text
    assert f"{found.rows[0].analytic:+.6g}" in parsed.text
    svg = next(attrs for tag, attrs in parsed.tags if tag == "svg")
    assert "along axis 3 only at 4" in svg["aria-label"]
    assert not any("src" in attrs or "href" in attrs for _, attrs in parsed.tags)


def test_a_fragment_takes_over_the_colours_of_its_page():
    style = re.search(r"<style>(.*?)</style>", report()._repr_html_(), re.S)[1]
    assert all(rule.strip().startswith(".mrg") for rule in re.findall(r"([^{}]+)\{", style))
    assert "background:#fff" not in style


def test_names_and_errors_are_escaped():
    def raising(dy, x):
        raise ValueError("<script>alert(1)</script> & more")

    raising.__name__ = "<b>"
    text = check_backward(relu, raising, np.ones(3))._repr_html_()
    assert "<script>" not in text
    assert "<b>" not in text
    assert "alert(1)" in Parsed(text).text


def test_the_page_is_complete_in_itself(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = (
        "def f(x):\n    return x**2\n\n\ndef f_backward(dy, x):\n    return x * dy\n\n\n"
        "def g(x):\n    return x**2\n\n\ndef g_backward(dy, x):\n    return 2 * x * dy\n"
    )
    (tmp_path / "front_page_code.py").write_text(code, encoding="utf-8")
    arguments = ["front_page_code.py", "--inputs", "x=(2,3)", "--html", "out.html"]
    assert main(["gradcheck", *arguments]) == 1
    assert "wrote out.html" in capsys.readouterr().out
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    parsed = Parsed(text)
    assert "1 of 2 passed" in parsed.text
    assert "--inputs 'x=(2,3)'" in parsed.text
    for needed in ('name="viewport"', "prefers-color-scheme:dark", 'lang="en"', "utf-8"):
        assert needed in text
    assert "http" not in text
    with np.errstate(all="ignore"):
        assert main(["gradcheck", *arguments, "--json"]) == 1
    assert "wrote" not in capsys.readouterr().out


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (2, 2, 3, 4), (2, 1, 2, 3, 4)])
def test_a_cell_for_each_element_whatever_the_axes(shape):
    numeric = np.ones(shape)
    analytic = numeric.copy()
    analytic.reshape(-1)[-1] = 3
    picture = heat.heat_map("w", analytic, numeric)
    assert picture.count("<rect") == numeric.size
    assert picture.count('fill-opacity="1.0"') == 1
    assert f"1 of {numeric.size} compared elements are wrong" in picture


def test_large_tensors_show_the_worst_of_blocks_and_what_was_left_out_is_empty():
    numeric = np.ones((200, 100))
    analytic = numeric.copy()
    analytic[17, 55] = np.nan
    numeric[100:] = np.nan
    picture = heat.heat_map("w", analytic, numeric)
    rects = picture.count("<rect")
    assert rects <= heat.MOST**2
    assert picture.count('fill-opacity="1.0"') == 1
    assert picture.count('fill="none"') == rects // 2
    assert "the worst at (17, 55)" in picture
    assert "A cell is the worst of 5 × 3 elements" in picture


def test_every_hygiene_check_says_why():
    folder = Path(owed.__file__).parent
    named = {
        "".join(name)
        for path in folder.rglob("*.py")
        for name in re.findall(
            r"failed\[\"([\w ]+)\"\]|\(\"([\w ]+)\", _told", path.read_text(encoding="utf-8")
        )
    }
    assert len(named) > 7
    assert named == set(owed.WHY)

    def in_place(dy, x):
        x *= x > 0
        return dy * (x > 0)

    found = check_backward(relu, in_place, np.array([-1.0, 1.0, 2.0]))
    assert "hygiene: inputs unmodified: x was modified in place" in str(found)
    assert "(why: the caller still needs them" in " ".join(str(found).split())
    assert "the caller still needs them" in Parsed(found._repr_html_()).text


def test_a_pair_may_write_over_dy_and_is_told_when_that_is_wrong():
    def in_place(dy, x):
        dy *= x > 0
        return dy

    found = check_backward(relu, in_place, np.array([-1.0, 1.0, 2.0]))
    assert found.verdict == "PASS"
    assert "in_place modified dy in place: right, as long as nobody else needs" in str(found)

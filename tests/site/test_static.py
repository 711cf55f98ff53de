"""The built site as files: links, images, words for figures, headings, nothing from elsewhere.

SITE_UNDER_TEST names a site that was built before; without it one is built, with the small
parameters of the lessons, if Sphinx is installed.
"""

import functools
import html.parser
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import urllib.parse
import zipfile
from pathlib import Path

import pytest

from minires.lessons.files import lesson_files, parts, student_version
from minires.lessons.kit import exercises
from minires.results import read_text

ROOT = Path(__file__).parents[2]
PUBLIC = (
    "minires", "minires.functional", "minires.ops", "minires.nn", "minires.optim", "minires.models",
    "minires.data", "minires.train", "minires.weights", "minires.gradcheck", "minires.gradflow",
    "minires_kernels", "minires_emulator",
)  # fmt: skip
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "link": "href"}
pytestmark = pytest.mark.slow


class Page(html.parser.HTMLParser):
    """What a page holds: ids, links, what it loads, images, headings, attributes of cells."""

    def __init__(self, path):
        super().__init__()
        self.path, self.text = path, path.read_text("utf-8")
        self.ids, self.links, self.loads, self.images, self.cells = [], [], [], [], []
        self.headings, self.drawings, self.inside = [], [], 0
        self.feed(self.text)

    def handle_endtag(self, tag):
        self.inside -= tag == "article"

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "id" in a:
            self.ids.append(a["id"])
        if tag == "a" and a.get("href"):
            self.links.append(a["href"])
        if tag in LOADS and (tag != "link" or a.get("rel") not in ("canonical", "next", "prev")):
            self.loads.append(a.get(LOADS[tag]) or "")
        if tag == "img":
            self.images.append(a)
        self.inside += tag == "article"
        if tag == "svg" and self.inside:
            self.drawings.append(a)
        if "data-cell" in a:
            self.cells.append(a)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(tag)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    if named := os.environ.get("SITE_UNDER_TEST"):
        return Path(named)
    missing = [m for m in ("sphinx", "myst_nb", "furo") if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f'no {missing[0]}: python -m pip install -e ".[docs]"')
    target = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "lessons.site", target],
        cwd=ROOT, env=os.environ | {"MINIRES_SITE_TIER": "fast"},
        capture_output=True, encoding="utf-8", timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="module")
def pages(folder):
    found = {path.relative_to(folder).as_posix(): Page(path) for path in folder.rglob("*.html")}
    assert "index.html" in found
    return found


def is_outside(link):
    return urllib.parse.urlsplit(link).scheme not in ("", "data") or link.startswith("//")


def test_links_lead_to_pages_and_places(folder, pages):
    @functools.cache
    def ids(name):
        return set(pages[name].ids) if name in pages else None

    lost = []
    for name, page in pages.items():
        for link in page.links:
            if is_outside(link) or link == "#":
                continue
            parts = urllib.parse.urlsplit(urllib.parse.unquote(link))
            target = (page.path.parent / parts.path).resolve() if parts.path else page.path
            if not target.is_file():
                lost.append(f"{name}: {link}")
            elif parts.fragment and target.suffix == ".html":
                found = ids(target.relative_to(folder.resolve()).as_posix())
                if parts.fragment not in found:
                    lost.append(f"{name}: {link} (no such place)")
    assert not lost, "\n".join(lost)


def test_what_pages_load_is_there_and_comes_from_nowhere_else(pages):
    wrong = []
    for name, page in pages.items():
        for link in page.loads:
            path = urllib.parse.unquote(link.split("?")[0].split(" ")[0])
            if link.startswith("data:") or link in ("", "#"):
                continue
            if is_outside(link) or not (page.path.parent / path).resolve().is_file():
                wrong.append(f"{name}: {link}")
    assert not wrong, "\n".join(wrong)


def test_styles_load_nothing_from_elsewhere(folder):
    for path in (folder / "_static").rglob("*.css"):
        for found in re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")]+)", path.read_text("utf-8")):
            assert not is_outside(found), f"{path}: {found}"


def test_figures_have_words(pages):
    for name, page in pages.items():
        for image in page.images:
            assert (image.get("alt") or "").strip(), f"{name}: {image}"
            if "figures/" in image["src"]:
                assert len(image["alt"]) > 40, f"{name}: {image}"
        for drawing in page.drawings:
            assert drawing.get("aria-hidden") or drawing.get("aria-label"), f"{name}: {drawing}"


def test_a_page_has_one_title_and_ids_that_are_its_own(pages):
    for name, page in pages.items():
        if name not in ("search.html",):
            assert page.headings.count("h1") == 1, f"{name}: {page.headings}"
        twice = {i for i in page.ids if page.ids.count(i) > 1}
        assert not twice, f"{name}: {twice}"


def lessons():
    return [pytest.param(f, id=f.path.stem) for f in lesson_files()]


@pytest.mark.parametrize("lesson", lessons())
def test_a_lesson_shows_the_students_cells_and_waits_for_predictions(lesson, pages):
    page = pages[f"lessons/{lesson.path.stem}.html"]
    code = [p for p in parts(student_version(read_text(lesson.path))) if not p.markdown]
    assert [c["data-cell"] for c in page.cells] == [str(i + 1) for i in range(len(code))]
    assert [c["data-tags"] or "" for c in page.cells] == [" ".join(p.tags) for p in code]
    assert f'<meta name="minires-lesson" content="{lesson.number}"' in page.text
    assert "BEGIN SOLUTION" not in page.text
    assert page.text.count("TODO: your code here") == len(exercises(lesson.number))
    assert page.text.count("Hint 1 of 3") == len(exercises(lesson.number))
    asked = len(re.findall(r"^lesson\.predict\(", read_text(lesson.path), re.M))
    covers = page.text.count('<div class="cover"')
    assert (covers > 0) == (asked > 0)
    for measured in re.finditer(r"<strong[^>]*>Prediction \w+</strong>: measured", page.text):
        before = page.text[: measured.start()]
        opened = before.rindex("<summary>Show what was measured")
        assert "</details></div>" not in before[opened:], "a result is shown without its cover"


def test_answers_are_kept_apart(folder, pages):
    answers = {name for name in pages if name.startswith("teachers/answers/")}
    assert len(answers) == len(lesson_files())
    index = (folder / "searchindex.js").read_text("utf-8")
    assert "Answer key of lesson" not in index
    linking = {n for n, p in pages.items() for link in p.links if "answers/lesson_" in link}
    assert linking - answers == {"teachers/answers.html"}


def test_python_in_the_browser_finds_its_files(folder):
    live = folder / "_static" / "live"
    config = json.loads((live / "config.json").read_text("utf-8"))
    names = zipfile.ZipFile(live / "files" / config["wheel"]).namelist()
    assert "minires/_lessons/lesson_00_backward.py" in names
    assert not [n for n in names if "site/" in n or n.endswith(".pyc")]
    assert set(config["lessons"]) == {str(f.number) for f in lesson_files()}
    for lesson in config["lessons"].values():
        assert "BEGIN SOLUTION" not in (live / "files" / lesson["file"]).read_text("utf-8")
        assert (folder / lesson["page"]).is_file()


def test_the_container_is_described_in_json_and_installs_what_the_readme_says():
    described = json.loads(read_text(ROOT / ".devcontainer" / "devcontainer.json"))
    assert '".[test]"' in described["postCreateCommand"]
    assert '".[test]"' in read_text(ROOT / "README.md")


def test_the_reference_has_every_public_name(pages):
    shown = [page for name, page in pages.items() if name.startswith("api/")]
    described = {i.rpartition(".")[2] for page in shown for i in page.ids}
    text = " ".join(page.text for page in shown)
    for module in PUBLIC:
        for name in importlib.import_module(module).__all__:
            assert name in described or f"{name}</" in text, f"{module}.{name}"

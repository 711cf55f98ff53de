"""The atlas in a browser: its maps are linked, cells open their runs, numbers are the summary's."""

import shutil
from pathlib import Path

import pytest
from lone_page import MARKS, SITE, chromium, opener, served, write

from benchmarks.atlas import maps, page

ROOT = Path(__file__).parents[2]
SUMMARY = ROOT / "benchmarks/results/atlas/summary.json"
VIEWS = ("trains", "start", "end")
pytestmark = MARKS


@pytest.fixture(scope="module")
def document():
    return maps.load(SUMMARY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, document):
    """The page of atlas.md without the rest of the site, and the page that is one file."""
    folder = tmp_path_factory.mktemp("site")
    write("atlas", folder)
    for name in ("atlas", "explore"):
        shutil.copytree(SITE / name, folder / "_static" / name)
    shutil.copy(SUMMARY, folder / "_static" / "atlas")
    (folder / "single.html").write_text(page.page(document), "utf-8")
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with served(folder) as place:
        yield f"{place}/atlas.html"


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(browser, address):
    with opener(browser, address, ".view.end", height=900) as opens:
        yield lambda *given, **options: opens(*given, reduced_motion="reduce", **options)


def reading(opened):
    return opened.inner_text(".reading")


def test_every_cell_says_what_the_summary_says(open_page, document):
    opened = open_page()
    axes = document["about"]["axes"]
    said = opened.evaluate(
        """() => [...document.querySelectorAll(".view.trains .panel .cell")].map((cell) => {
          const { depth, norm, init, arm, lr } = cell.setting;
          return [`${depth}/${norm}/${init}/${arm}`, lr, cell.getAttribute("aria-label")];
        })"""
    )
    assert len(said) == len(list(maps.panels(document))) * len(axes["depth"]) * len(axes["lr"])
    for name, lr, label in said:
        cell = maps.cell(document, name, lr)
        depth = name.split("/")[0]
        assert label.startswith(f"{depth} layers, rate {lr}: {cell.trained} of {cell.runs} seeds")
        assert ("diverge" in label) == (cell.diverged > 0)
    assert "NaN" not in opened.content()
    assert "undefined" not in opened.inner_text("#atlas")


def test_a_setting_is_marked_in_all_maps(open_page):
    opened = open_page("#24/bn/he/skip/0.1")
    here = [opened.locator(f".view.{name} .here") for name in VIEWS]
    assert [cell.count() for cell in here] == [1, 1, 1]
    assert reading(opened).startswith("24 layers, batch norm, He init, skip, rate 0.1: ")
    opened.hover(".view.end .panel:nth-of-type(1) .cell >> nth=0")
    assert reading(opened).startswith("6 layers, no norm")
    marked = opened.evaluate('[...document.querySelectorAll(".here")].map((c) => c.setting.depth)')
    assert marked == [6, 6, 6]


def test_maps_and_runs_work_from_the_keyboard(open_page, document):
    opened = open_page("#6/none/default/plain/0.003")
    assert opened.locator(".view.trains [tabindex='0']").count() == 1
    opened.focus(".view.trains .here")
    for key in ["ArrowRight"] * 6 + ["ArrowDown"] * 5:  # into the next map, and the next row
        opened.keyboard.press(key)
    assert reading(opened).startswith("12 layers, no norm, He init, skip, rate 0.01:")
    opened.keyboard.press("Enter")
    assert opened.url.endswith("#12/none/he/skip/0.01")
    assert opened.evaluate("document.activeElement.id") == "runs"
    assert opened.locator("#runs tbody tr").count() == len(document["about"]["seeds"])
    for part in ("depth=12", "norm=none", "init=he", "skip=identity", "branch_scale=1 ", "lr=0.01"):
        assert part in opened.inner_text("#runs pre")
    assert opened.locator("#runs path.predicted").count() == 1
    assert opened.locator("#runs path.curve").count() == 4  # three seeds, and the profile
    labels = opened.locator("#runs svg[role=img]").evaluate_all(
        "all => all.map((svg) => svg.getAttribute('aria-label'))"
    )
    assert "Seed 2:" in labels[0]
    assert "Gradient by layer" in labels[1]
    opened.keyboard.press("Escape")
    assert opened.evaluate("document.activeElement.setting.depth") == 12


def test_every_setting_opens_without_a_fault(open_page):
    opened = open_page()
    odd = opened.evaluate(
        """() => {
          const odd = [], cells = [...document.querySelectorAll(".view.trains .panel .cell")];
          for (const cell of cells.filter((_, i) => i % 5 === 0)) {
            atlas.choose(cell.setting);
            if (/NaN|Infinity|undefined/.test(atlas.detail.innerHTML)) odd.push(cell.setting);
          }
          return odd;
        }"""
    )
    assert odd == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hangs_over_the_edge_of_a_phone(open_page, scheme):
    opened = open_page(width=360, color_scheme=scheme)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_single_file_shows_the_same_without_a_server(open_page, folder):
    hash = "#48/none/default/plain/0.03"
    served, single = open_page(hash), open_page(hash, url=(folder / "single.html").as_uri())
    assert reading(served) == reading(single)
    assert served.inner_text("#runs") == single.inner_text("#runs")

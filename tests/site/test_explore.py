"""The explorable in a real browser: it opens, reacts, remembers, and measures what the engine does.

MINIRES_PYODIDE names the folder of a Pyodide distribution; without it nothing is measured live.
"""

import csv
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from lone_page import MARKS, SITE, chromium, opener, served, write

from minires.experiments.explorable import measure

ROOT = Path(__file__).parents[2]
STORED = json.loads((SITE / "explore/stored/relu.json").read_text("utf-8"))["nets"]
pytestmark = MARKS


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Serve the page of explore.md without the rest of the site."""
    folder = tmp_path_factory.mktemp("site")
    write("explore", folder)
    static = folder / "_static"
    static.mkdir()
    (static / "explore").symlink_to(SITE / "explore")
    live = static / "live"
    if (SITE / "live").is_dir():
        shutil.copytree(SITE / "live", live)
        files = live / "files"
        files.mkdir(exist_ok=True)
        with zipfile.ZipFile(files / "minires.whl", "w") as wheel:
            for top in (ROOT / "minires", *(ROOT / "kernels").glob("minires_*")):
                for path in top.rglob("*"):
                    if path.is_file() and path.suffix != ".pyc":
                        wheel.write(path, path.relative_to(top.parent))
        (live / "config.json").write_text(
            '{"pyodide": "pyodide/", "wheel": "minires.whl"}', encoding="utf-8"
        )
        if os.environ.get("MINIRES_PYODIDE"):
            (live / "pyodide").symlink_to(Path(os.environ["MINIRES_PYODIDE"]).resolve())
    with served(folder) as place:
        yield f"{place}/explore.html"


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def open_page(browser, address):
    with opener(browser, address, ".reading .line", height=850) as opens:
        yield opens


def total(name, key="dx"):
    """Return log10 of a stored quantity at the first and at the last layer."""
    steps = STORED[name][key]["m"]
    return steps[0] / 100, sum(steps) / 100


def shown(page):
    """Wait for what the last change draws; return the reading."""
    page.wait_for_function("explorable.nets && explorable.nets.settings === explorable.settings")
    return page.inner_text("#reading")


def test_it_opens_on_the_contrast_of_the_course(open_page):
    page = open_page()
    reading = shown(page)
    first, last = total("56/default/none/plain")
    assert f"56 plain layers the gradient falls by a factor of 10{round(last - first)}" in reading
    assert page.get_attribute("#reading", "aria-live") == "polite"
    for key in ("dx", "x", "dw"):
        for kind in ("plain", "residual"):
            path = page.get_attribute(f".chart[data-key={key}] path.curve.{kind}", "d")
            assert path.count("L") >= 28, (key, kind)
        assert page.locator(f".chart[data-key={key}] path.theory").count() == 1
        assert "Plain:" in page.get_attribute(f".chart[data-key={key}] svg", "aria-label")


def test_controls_work_from_the_keyboard_and_the_address_remembers(open_page):
    page = open_page()
    before = shown(page)
    page.focus("#depth")
    page.keyboard.press("ArrowRight")
    deeper = shown(page)
    assert "110 plain layers" in deeper
    assert "depth=110" in page.url
    page.focus("[name=norm][value=none]")
    page.keyboard.press("ArrowRight")
    normed = shown(page)
    assert "grows" in normed
    assert len({before, deeper, normed}) == 3
    page.reload()
    page.wait_for_selector(".reading .line")
    assert shown(page) == normed
    assert page.is_checked("[name=norm][value=bn]")
    assert page.get_attribute("#depth", "aria-valuetext") == "110 layers"
    page.evaluate("location.hash = '#depth=8&init=he&norm=nonsense'")
    page.wait_for_function("explorable.settings.depth === '8'")
    assert "8 plain layers" in shown(page)
    assert page.is_checked("[name=norm][value=none]")  # what is not offered is the opening's


def test_every_statement_holds_for_the_stored_runs(open_page):
    page = open_page()
    wrong = page.evaluate(
        """async () => {
          const { STATEMENTS } = await import("./_static/explore/statements.mjs");
          const found = [];
          for (const s of STATEMENTS)
            if (!s.holds(await explorable.store.pair(s.settings))) found.push(s.id);
          return found;
        }"""
    )
    assert wrong == []
    page.click("[data-id=skipinit]")
    assert "branches that start at 0" not in shown(page)
    assert "exactly 0" in page.inner_text("#notes")
    link = page.get_attribute("#statement a", "href")
    assert list(ROOT.glob(link.replace(".html", ".py")))


def test_every_combination_can_be_drawn(open_page):
    page = open_page()
    odd = page.evaluate(
        """async () => {
          const { CHOICES } = await import("./_static/explore/model.mjs");
          let all = [{}], odd = [];
          for (const [key, { values }] of Object.entries(CHOICES))
            all = all.flatMap((s) => values.map((v) => ({ ...s, [key]: v })));
          for (const settings of all.filter((_, i) => i % 7 === 0)) {
            await explorable.show(settings);
            if (/NaN|Infinity|undefined/.test(explorable.root.innerHTML)) odd.push(settings);
          }
          return odd;
        }"""
    )
    assert odd == []


def test_a_prediction_comes_before_the_answer(open_page):
    page = open_page()
    shown(page)
    assert page.is_disabled(".predict button")
    page.focus("#guess")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".chart[data-key=dx] path.guess").count() == 1
    assert "× 0.99" in page.inner_text("#guess-said")
    page.click(".predict button")
    assert "grows" in shown(page)
    assert page.inner_text("#outcome").startswith("The other way round. You said × 0.99")
    factor = STORED["56/default/bn/plain"]["factor"][0]
    assert f"{factor:.3f}" in page.inner_text("#outcome")


def test_the_table_and_the_file_hold_the_values(open_page, tmp_path):
    page = open_page("#init=he")
    shown(page)
    page.click(".values summary")
    page.locator(".values tbody tr").last.wait_for()  # a toggle is told a little later
    assert page.locator(".values tbody tr").count() == 58
    with page.expect_download() as download:
        page.click(".values button")
    download.value.save_as(tmp_path / "values.csv")
    with (tmp_path / "values.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    first, _ = total("56/he/none/plain")
    assert float(rows[0]["‖∂L/∂x‖, plain"]) == pytest.approx(10**first, rel=0.01)
    assert rows[2]["‖∂L/∂x‖, residual"] == ""  # within a block


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hangs_over_the_edge_of_a_phone(open_page, scheme):
    page = open_page("#depth=110&init=he&norm=bn&order=preact", width=360, color_scheme=scheme)
    shown(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.skipif(not os.environ.get("MINIRES_PYODIDE"), reason="needs MINIRES_PYODIDE")
def test_live_measuring_is_that_of_the_engine(open_page):
    page = open_page("#init=he")
    shown(page)
    page.fill("#live-depth", "14")
    page.select_option("#live-width", "32")
    page.fill("#live-seed", "3")
    page.click(".live button[type=submit]")
    page.wait_for_function(
        "explorable.pairLive !== undefined && explorable.pairLive", timeout=200_000
    )
    native = measure({"depth": 14, "init": "he", "width": 32, "seed": 3})
    for kind in ("plain", "residual"):
        for key in ("x", "dx", "dw"):
            found = page.evaluate(f"explorable.pairLive.{kind}.{key}.log")
            assert [10**v for v in found] == pytest.approx(native[kind][key], rel=1e-3)
        assert page.evaluate(f"explorable.pairLive.{kind}.factor[0]") == pytest.approx(
            native[kind]["factor"], rel=1e-3
        )
        assert page.locator(f".chart[data-key=dx] .live.{kind}").count() == len(native[kind]["x"])
    assert "Measured in" in page.inner_text("#live-status")

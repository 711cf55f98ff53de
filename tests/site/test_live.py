"""The site in a real browser: pages, and a lesson that runs on its page."""

import json
import os
import re
from pathlib import Path

import pytest

from minires.lessons.files import lesson_files

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
LESSON = next(f.path.stem for f in lesson_files() if f.number == 1)
PAGES = ("index.html", f"lessons/{LESSON}.html")  # looked at closely
SHOTS = os.environ.get("SITE_SHOTS")  # a folder for pictures of pages, to be looked at


def pages(site):
    return sorted(site.rglob("*.html"))


def test_every_page_loads_without_errors(site, address, visit):
    page = visit("index.html")
    for path in pages(site):
        page.goto(f"{address}/{path.relative_to(site).as_posix()}")
        broken = page.evaluate(
            "[...document.images].filter((i) => i.complete && !i.naturalWidth).map((i) => i.src)"
        )
        assert not broken, (path, broken)


def box(page, label):
    """Return the cell with this label, of a lesson that has come to life."""
    button = page.get_by_role("button", name=label, exact=True)
    return page.locator(".cell").filter(has=button)


def write(page, cell, code):
    """Write code into a cell's editor, as a keyboard does."""
    folded = cell.locator("details.code:not([open]) > summary").filter(visible=True)
    if folded.count():
        folded.click()
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(code)


def test_a_lesson_comes_to_life(visit):
    page = visit(f"lessons/{LESSON}.html")
    assert page.locator(".cell_output").first.is_visible()  # recorded
    page.get_by_role("button", name="Run this lesson here").click()
    exercise = box(page, "Check, Exercise 1.1")

    exercise.get_by_role("button", name="Check").click()
    exercise.locator(".live-verdict[data-verdict=TODO]").wait_for()
    head = '@lesson.exercise("1.1")\ndef central_difference(f, x, h):\n    {}\n'
    write(page, exercise, head.format("return (f(x + h) - f(x)) / h"))
    page.keyboard.press("Shift+Enter")
    exercise.locator(".live-verdict[data-verdict=FAIL]").wait_for()
    exercise.get_by_role("button", name="Hint").click()
    exercise.locator(".live-hint").wait_for()
    write(page, exercise, head.format("return (f(x + h) - f(x - h)) / (2 * h)"))
    page.keyboard.press("Shift+Enter")
    exercise.locator(".live-verdict[data-verdict=PASS]").wait_for()
    print("seconds:", json.dumps(page.evaluate("minires.marks")))

    # The cells above the figure run first; one of them asks.
    drawing = page.locator(".cell").filter(has_text="lesson.curves(").first
    drawing.get_by_role("button", name=re.compile("Run")).click()
    form = page.locator(".live-question")
    form.get_by_role("textbox").fill("many")
    form.get_by_role("button", name="Record my prediction").click()
    form.get_by_text("expected a number").wait_for()
    form.get_by_role("textbox").fill("1e-5")
    form.get_by_role("button", name="Record my prediction").click()
    for _ in range(2):
        form.get_by_role("button", name="Skip").click()
    drawing.locator("img.live-figure").wait_for()
    assert len(drawing.locator("img.live-figure").get_attribute("alt")) > 40
    assert "predicted 1e-05" in page.locator("article").inner_text()
    asked = page.locator(".cell").filter(has_text="lesson.predict(").first.locator(".live-output")
    assert [asked.inner_text().count(f"Prediction {k}:") for k in ("h", "ones", "training")] == [
        1
    ] * 3
    print("seconds:", json.dumps(page.evaluate("minires.marks")))
    look(page, "live")

    write(page, drawing, "1 / 0")
    page.keyboard.press("Shift+Enter")
    drawing.get_by_text("ZeroDivisionError: division by zero").first.wait_for()
    write(page, drawing, "while True: pass")
    page.keyboard.press("Shift+Enter")
    drawing.get_by_text("is running").wait_for()
    page.get_by_role("button", name="Stop").click()
    drawing.get_by_text("Stopped.").wait_for()
    exercise.get_by_role("button", name="Check").click()
    exercise.locator(".live-verdict[data-verdict=PASS]").wait_for()

    page.reload()  # what the reader wrote is still there
    page.get_by_text("What you did here before was kept").wait_for()
    page.get_by_role("button", name="Run this lesson here").click()
    box(page, "Check, Exercise 1.1").get_by_text("(f(x + h) - f(x - h)) / (2 * h)").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_fit_and_can_be_used_by_everybody(name, width, scheme, visit):
    page = visit(name, width, 800, scheme)
    if "lesson_" in name:
        page.get_by_role("button", name="Run this lesson here").click()
        page.locator("body[data-live=open]").wait_for()
    wide = page.evaluate(
        "Math.max(...[document.documentElement, document.querySelector('.content')]"
        ".map((box) => box.scrollWidth - box.clientWidth))"
    )
    assert wide <= 0, f"{wide} pixels too wide"
    look(page, f"{Path(name).stem}-{width}-{scheme}")
    script = os.environ.get("AXE_SCRIPT")
    if not script:
        pytest.skip("no axe-core: AXE_SCRIPT names axe.min.js, see fetch.py")
    page.add_script_tag(path=script)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        f"{v['id']} ({v['help']}): {n['html'][:200]} {n['failureSummary'][:200]}"
        for v in found["violations"] if v["impact"] in ("serious", "critical")
        for n in v["nodes"][:3]
    ]  # fmt: skip
    assert not serious, "\n".join(serious)


def look(page, name):
    """Keep a picture of a page, where somebody wants to look at it."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")

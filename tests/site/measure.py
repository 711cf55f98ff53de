"""Lessons in Chromium as a table: `python tests/site/measure.py SITE [N ...]`, on a quiet machine.

SITE is a folder that `python -m lessons.site` made with MINIRES_PYODIDE. Every lesson runs in a new
browser with an empty cache: every cell with the student's file, no prediction, as on "Run all".
"""

import argparse
import functools
import http.server
import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

from minires.lessons.files import lesson_files
from minires.results import table

PATIENCE = 1_800_000  # ms
SKIP = """new MutationObserver(() => {
  for (const b of document.querySelectorAll(".live-question button[type=button]")) b.click();
}).observe(document.body, {childList: true, subtree: true})"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def measured(playwright, address, page):
    """Return what one lesson takes: seconds since "Run this lesson here", and bytes."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
    )
    context, received = browser.new_context(), []
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    opened.goto(f"{address}/lessons/{page}.html")
    opened.wait_for_load_state("networkidle")
    context.on(
        "response", lambda r: received.append(int(r.headers.get("content-length", 0)))
    )  # what comes after the page itself
    opened.get_by_role("button", name="Run this lesson here").click()
    opened.get_by_role("button", name="Run all").click()
    opened.evaluate(SKIP)
    opened.wait_for_function(
        "minires.marks.all || document.querySelector('.cell[data-state=error]')"
    )
    marks = opened.evaluate("minires.marks")
    wrong = opened.locator(".cell[data-state=error] .live-said").all_inner_texts()
    browser.close()
    seconds = {k: marks[k] - marks["opened"] for k in ("ready", "figure", "all") if k in marks}
    return {
        "Python ready (s)": seconds.get("ready"),
        "first figure (s)": seconds.get("figure"),
        "all cells (s)": seconds.get("all"),
        "download (MB)": sum(received) / 1e6,
        "wrong": "; ".join(wrong) or None,
    }


def main() -> int:
    """Print the table; 1 if a cell stopped."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("numbers", type=int, nargs="*")
    given = parser.parse_args()
    handler = functools.partial(Quiet, directory=given.site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = []
    with sync_playwright() as playwright:
        for lesson in lesson_files():
            page = lesson.path.stem
            if (not given.numbers or lesson.number in given.numbers) and (
                given.site / "lessons" / f"{page}.html"
            ).is_file():
                address = f"http://127.0.0.1:{server.server_port}"
                rows.append(
                    {"lesson": lesson.number, "native (s)": lesson.seconds}
                    | measured(playwright, address, page)
                )
                print(rows[-1], file=sys.stderr, flush=True)
    server.shutdown()
    print(table(rows))
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

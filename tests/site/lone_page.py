"""One page without the rest of the site, served from here, in a browser that asks nobody else."""

import contextlib
import functools
import http.server
import shutil
import threading
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright")
SITE = Path(__file__).parents[2] / "lessons/site"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("browser"),
]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript", ".wasm": "application/wasm",
    }  # fmt: skip

    def log_message(self, *_):
        pass


def write(name, folder):
    """Write the markup of the site's NAME.md as FOLDER/NAME.html."""
    text = (SITE / f"{name}.md").read_text("utf-8")
    markup = "\n".join(line for line in text.splitlines() if line.startswith("<"))
    head = "<!doctype html><html lang=en><meta charset=utf-8><title>t</title>"
    head += '<meta name=viewport content="width=device-width"><link rel=icon href="data:,">'
    (folder / f"{name}.html").write_text(f"{head}<body>{markup}</body>", "utf-8")


@contextlib.contextmanager
def served(folder):
    """Serve a folder; yield its address."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def chromium():
    """Run a browser."""
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def opener(browser, address, ready, height):
    """Yield a function that opens a page; whatever any of them complains about fails the test.

    ready   selects what is there when a page is drawn
    """
    complaints, contexts = [], []

    def open_it(hash="", width=1200, url=address, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: _local(r.url) or complaints.append(f"fetches {r.url}"))
        page.goto(url + hash)
        page.wait_for_selector(ready)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def _local(url):
    return url.startswith(("http://127.0.0.1", "file:", "data:", "blob:"))

"""A built site, served from this machine alone, and a browser that may ask nobody else."""

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

OPTIONS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE = float(os.environ.get("BROWSER_PATIENCE", 60)) * 1000  # ms, for what takes longest
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A browser that is closed lets connections go."""


@pytest.fixture(scope="session")
def site():
    """The folder of a site that was built before."""
    named = os.environ.get("SITE_UNDER_TEST")
    if not named:
        pytest.skip("no site: SITE_UNDER_TEST names a folder that `python -m lessons.site` made")
    folder = Path(named)
    assert (folder / "index.html").is_file(), f"{folder} is no built site"
    return folder


@pytest.fixture(scope="session")
def address(site):
    with _Server(("127.0.0.1", 0), functools.partial(_Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser(site):
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium, or CHROMIUM names one")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Open pages; at the end, nothing may have gone wrong on any, or have left the machine."""
    contexts, outside, trouble = [], [], []

    def visit(page, width=1100, height=900, scheme="light"):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        context.on("request", lambda r: _is_ours(r.url, address) or outside.append(r.url))
        opened = context.new_page()
        opened.on("pageerror", lambda e: trouble.append(f"{opened.url}: {e}"))
        opened.on(
            "console", lambda m: m.type == "error" and trouble.append(f"{opened.url}: {m.text}")
        )
        opened.goto(f"{address}/{page}")
        return opened

    yield visit
    for context in contexts:
        context.close()
    assert not outside, outside
    assert not trouble, trouble


def _is_ours(url, address):
    return url.startswith((address, "data:", "blob:"))

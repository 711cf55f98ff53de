"""Build the site: `python -m lessons.site [FOLDER] [--serve]`; README.md here has the options."""

from __future__ import annotations

import argparse
import contextlib
import functools
import http.server
import sys
from pathlib import Path

SITE = Path(__file__).parent


def main() -> int:
    """Build into a folder, and serve it if asked to; return Sphinx's exit status."""
    parser = argparse.ArgumentParser(prog="python -m lessons.site", description=__doc__)
    parser.add_argument("folder", nargs="?", default="out/site", help="default: out/site")
    parser.add_argument("--serve", type=int, nargs="?", const=8000, metavar="PORT",
                        help="afterwards show it at http://localhost:PORT (8000)")  # fmt: skip
    given = parser.parse_args()
    try:
        from sphinx.cmd.build import main as sphinx
    except ImportError:
        print('the site needs Sphinx and more: python -m pip install -e ".[docs]"', file=sys.stderr)
        return 2
    status = sphinx(["-W", "--keep-going", "-q", "-b", "html", str(SITE), given.folder])
    if status == 0:
        print(f"{given.folder}/index.html")
    if status == 0 and given.serve:
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=given.folder)
        with http.server.ThreadingHTTPServer(("127.0.0.1", given.serve), handler) as server:
            print(f"http://localhost:{given.serve}/ (Ctrl-C ends)")
            with contextlib.suppress(KeyboardInterrupt):
                server.serve_forever()
    return status


if __name__ == "__main__":
    sys.exit(main())

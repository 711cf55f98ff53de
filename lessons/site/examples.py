"""Runs the code of a hand-written page, and writes what it prints below it.

    python -m lessons.site.examples lessons/site/gradients.md

The page's blocks run in order, in a folder of their own:

* ```python: Python, all in one namespace; below `% file: NAME` it is written to that file instead
* ```sh: lines that begin with `minires` or `python -m pytest`; the rest of the block is not run
* ```text: what the block before it printed, which is replaced
* below `% needs: PACKAGE` a block runs where that package is installed; else it stays as it is
* below `% shown` a block is shown only
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import linecache
import os
import re
import shlex
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from minires import results

PAGE = "gradients.md"  # in tracebacks; `inspect.getsource` finds the functions of the page there
ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(
    r"(?P<marks>(?:^% (?:file: \S+|needs: \w+|shown)\n)*)^```(?P<kind>python|sh|text)\n"
    r"(?P<body>.*?)^```$",
    re.M | re.S,
)


def run(page: str) -> str:
    """Return the page with the outputs of its blocks as they are now."""
    parts, end, printed = [], 0, None
    names: dict[str, object] = {"__name__": "page"}
    linecache.cache[PAGE] = (len(page), None, page.splitlines(keepends=True), PAGE)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        sys.path.insert(0, folder)
        try:
            for match in _BLOCK.finditer(page):
                parts.append(page[end : match.start()])
                end = match.end()
                block = match[0]
                if match["kind"] == "text":
                    if printed is not None:
                        block = f"{match['marks']}```text\n{printed}```"
                    printed = None
                else:
                    printed = _output(match, names, folder)
                parts.append(block)
        finally:
            sys.path.remove(folder)
            del linecache.cache[PAGE]
    return "".join([*parts, page[end:]])


def _output(match: re.Match[str], names: dict[str, object], folder: str) -> str | None:
    """Run a block; return what it prints, None if it is not run."""
    marks, body = match["marks"], match["body"]
    needed = re.search(r"needs: (\w+)", marks)
    if "% shown" in marks or (needed and importlib.util.find_spec(needed[1]) is None):
        return None
    if file := re.search(r"file: (\S+)", marks):
        Path(file[1]).write_text(body, encoding="utf-8")
        return None
    if match["kind"] == "sh":
        return "".join(map(_command, body.splitlines()))
    above = "\n" * match.string.count("\n", 0, match.start("body"))
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            exec(compile(above + body, PAGE, "exec"), names)
        except Exception:  # the page shows what is raised
            said.write(traceback.format_exc(limit=0))
    return _tidy(said.getvalue(), folder)


def _command(line: str) -> str:
    words = shlex.split(line.partition("  #")[0])
    if words[:1] == ["minires"]:
        words = [sys.executable, "-m", *words]
    elif words[:3] == ["python", "-m", "pytest"]:
        words = [sys.executable, "-m", "pytest", "-p", "minires_pytest", *words[3:]]
        words += ["-p", "no:cacheprovider", "-q", "--no-header", "-c", os.devnull]
    else:
        return ""
    path = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    hidden = ("CI", "BUILD_NUMBER", "PYTEST_ADDOPTS")  # what changes the summary of pytest
    env = {k: v for k, v in os.environ.items() if k not in hidden}
    env |= {"PYTHONPATH": path, "COLUMNS": "100"}
    done = subprocess.run(
        words, env=env, capture_output=True,
        encoding="utf-8", timeout=300,
    )  # fmt: skip
    return _tidy(done.stdout + done.stderr, os.getcwd())


def _tidy(text: str, folder: str) -> str:
    """Take out what differs from one run to the next."""
    text = text.replace(os.path.realpath(folder) + os.sep, "").replace(folder + os.sep, "")
    text = re.sub(r"\b\d+\.\d+ ?s\b", "… s", text)
    text = re.sub(r"0x[0-9a-f]{6,}", "0x…", text)
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "\n".join([*lines, ""]) if lines else ""


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name).absolute()
        results.write_text(path, run(results.read_text(path)))

"""The pages under kernels/docs: their code runs, and prints what they say it prints."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from minires_emulator import NoCompiler, compiler

PAGES = sorted((Path(__file__).parents[2] / "kernels" / "docs").glob("*.md"))


@pytest.mark.parametrize(
    "page",
    [  # those on CUDA compile for the emulator
        pytest.param(p, marks=pytest.mark.slow if "cuda" in p.stem else [], id=p.stem)
        for p in PAGES
    ],
)
def test_the_code_of_a_page_prints_what_the_page_says(page):
    try:
        compiler()
    except NoCompiler as missing:
        pytest.skip(str(missing))
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)
    assert "python" in [kind for kind, _ in blocks]
    names, printed = {}, ""
    for kind, text in blocks:
        if kind == "text":
            assert printed == text
            printed = ""
            continue
        assert kind == "python"
        assert not printed, f"the page does not show this: {printed}"
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(text, page.name, "exec"), names)
        printed = out.getvalue()
    assert not printed


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_files_that_a_page_names_exist(page):
    text = page.read_text(encoding="utf-8")
    root = page.parents[2]
    for target in re.findall(r"\]\(([\w./]+)\)", text):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"`((?:tests|benchmarks|minires_kernels)/[\w/]+\.\w+)`", text):
        assert (root / path).exists() or (root / "kernels" / path).exists(), path

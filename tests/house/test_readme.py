"""The first page: short, its code runs, and what it says of files is so."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [
    README,
    *((ROOT / f"{n}.md").read_text(encoding="utf-8") for n in ("CONTRIBUTING", "CHANGELOG")),
]


def test_it_is_short():
    assert README.count("\n") <= 120


def test_its_code_runs_and_says_what_it_promises(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as out:
        for i, code in enumerate(re.findall(r"^```python\n(.*?)^```$", README, re.S | re.M)):
            file = tmp_path / f"block_{i}.py"  # the report shows its lines
            file.write_text(code, encoding="utf-8")
            exec(compile(code, str(file), "exec"), names)
    printed = out.getvalue()
    assert printed.startswith("[1. 2. 3.]\n")
    assert "FAIL" in printed
    assert "through the mean and the variance is missing" in " ".join(printed.split())
    assert "| return dout / cache[1]\n" in printed  # the line, and what belongs there
    assert "-> | return dout / cache[1] - " in printed
    assert "Healthy: no ailment found" in printed
    assert (tmp_path / "out" / "flow" / "profile.png").stat().st_size > 10_000
    assert names["loss"].item() < 2.5


def test_two_commands_come_first():
    (block,) = re.findall(r"^```sh\n(.*?)^```$", README, re.S | re.M)
    commands = block.splitlines()
    assert len(commands) == 2
    assert commands[1] == "python -m pytest"


def test_the_reading_path_has_these_lines():
    rows = re.findall(r"^\| `([\w/.]+)` \| (\d+) \|", README, re.M)
    assert [Path(path).name for path, _ in rows[:4]] == [
        "function.py",
        "engine.py",
        "arithmetic.py",
        "tensor.py",
    ]
    for path, said in rows:
        lines = (ROOT / path).read_text(encoding="utf-8").count("\n")
        assert abs(lines - int(said)) <= 5, f"{path} has {lines} lines, README says {said}"
    assert sum(int(said) for _, said in rows[:4]) <= 750


@pytest.mark.parametrize("page", PAGES, ids=["README", "CONTRIBUTING", "CHANGELOG"])
def test_files_that_a_page_names_exist(page):
    named = re.findall(r"\]\(([\w./]+)\)", page)
    named += re.findall(r"`((?:minires|kernels|tests|benchmarks|lessons)/[\w/]+\.\w+)`", page)
    for path in named:
        assert (ROOT / path).exists() or "NN" in path or "NAME" in path, path

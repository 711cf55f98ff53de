"""Files of sweeps: what is wrong is told with file, line, field, and what is offered."""

import re
from pathlib import Path

import pytest

from minires import sweep
from minires.cli.sweep import EPILOG
from minires.sweep.file import argument

ROOT = Path(__file__).parents[2]
GOOD = """\
task = "degradation"
seeds = 2

[setting]
skip = ["none", "identity"]
depth = [4, 6]
lr = { from = 0.01, to = 0.1, count = 2, scale = "log" }

[[exclude]]
skip = "none"
depth = 6
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        (tmp_path / "s.toml").write_text(text, encoding="utf-8")
        return tmp_path / "s.toml"

    return write


def test_a_file_is_the_plan_it_says(file):
    found = sweep.read(file(GOOD)).jobs()
    assert len(found.jobs) == (4 - 1) * 2 * 2
    assert {j.setting["lr"] for j in found.jobs} == {0.01, 0.1}
    assert {j.seed for j in found.jobs} == {0, 1}
    assert all(j.setting["epochs"] == 20 for j in found.jobs)  # the task's default


def test_the_examples_of_the_page_and_of_the_help_are_as_they_say(file):
    page = (ROOT / "lessons" / "site" / "sweeps.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```$", page, re.S | re.M)
    assert len(sweep.read(file(example)).jobs().jobs) == 50 * 3
    assert "These are 50 settings with 3 seeds each." in page
    (example,) = re.findall(r"^  task = .*?(?=^\n  design)", EPILOG, re.S | re.M)
    text = "".join(line.removeprefix("  ") for line in example.splitlines(keepends=True))
    assert len(sweep.read(file(text)).jobs().jobs) == (2 * 3 * 2 * 7 - 2 * 2 * 7) * 3


def test_the_python_of_the_page_runs(tmp_path, monkeypatch, capsys):
    page = (ROOT / "lessons" / "site" / "sweeps.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.S | re.M)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out.startswith("True [")


def test_arguments_replace_what_the_file_says(file):
    found = sweep.read(file(GOOD), dict([argument("lr=0.5"), argument("depth=4")]), seeds=[7])
    assert [(j.setting["lr"], j.seed) for j in found.jobs().jobs] == [(0.5, 7)] * 2


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds = 2", "sedes = 2", "line 2: sedes: not a key of a sweep; did you mean seeds?"),
        ("seeds = 2", "lr = 2", "line 2: lr: not a key of a sweep; .* belong below \\[setting\\]"),
        ("seeds = 2", "seeds = 0", "line 2: seeds: expected how many, or a list of different"),
        ("seeds = 2", "seeds = [1, 1]", r"line 2: seeds: .*got \[1, 1\]"),
        ('"degradation"', '"degrade"', "line 1: task: expected one of gradflow, degradation"),
        ("depth =", "dept =", "line 6: dept: not a field of degradation; did you mean depth?"),
        ("depth = [4, 6]", "depth = []", "line 6: depth: expected at least one value"),
        ("depth = [4, 6]", "depth = [4, 4]", "line 6: depth: 4 is given twice"),
        ("count = 2", "cuont = 2", "line 7: lr: a range has from, to, count, step"),
        ("from = 0.01", "from = 0", "line 7: lr: a range on a log scale begins above 0"),
        ("from = 0.01", "from = 1", "line 7: lr: from is 1, above to, 0.1"),
        ('count = 2, scale = "log"', "step = 0.0", "line 7: lr: step: expected a positive number"),
        ("count = 2, scale = ", "scale = ", "line 7: lr: a grid needs points: give .* a count"),
        ("skip = [", 'skip = ["nine", ', "line 5: skip: 'nine' is possible in no combination: "
         "skip: expected one of none, identity, preact, got 'nine'"),
        ("lr = {", "lr = 7 #", None),
        ("depth = 6\n", "depht = 6\n", r"line 11: depht: not a field below \[setting\]"),
        ("seeds = 2", "seeds = ", "invalid|Invalid"),
        ("seeds = 2", "samples = 2", "line 2: samples: a grid has all combinations"),
        ("seeds = 2", 'design = "random"', "samples: missing; a design that draws says how many"),
        ("seeds = 2", "seed = 2", "line 2: seed: not a key of a sweep; did you mean seeds?"),
        ("lr = {", "seed = [1]\nlr = {", "line 7: seed: seeds = 3 .or a list of seeds., above"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(file, old, new, said):
    assert old in GOOD
    path = file(GOOD.replace(old, new))
    if said is None:
        assert sweep.read(path).jobs().jobs
        return
    with pytest.raises(ValueError, match=said) as error:
        sweep.read(path).jobs()
    assert str(error.value).startswith(str(path))


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(OSError, match=r"no\.toml"):
        sweep.read(tmp_path / "no.toml")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("depth=8", 8),
        ("depth=8,20", [8, 20]),
        ("lr=0.1,1e-3", [0.1, 1e-3]),
        ("norm=none,bn", ["none", "bn"]),
        ("norm=bn", "bn"),
        ("branch_scale=1,skipinit", [1, "skipinit"]),
        ("steps=[[0], [0, 10]]", [[0], [0, 10]]),
        ('lr={from=0.1, to=1, scale="log"}', {"from": 0.1, "to": 1, "scale": "log"}),
    ],
)
def test_arguments(text, values):
    assert argument(text) == (text.partition("=")[0], values)


@pytest.mark.parametrize("text", ["depth", "=8", "depth=", "a b=1", "lr={from=1", "lr=[1,"])
def test_arguments_that_are_none(text):
    with pytest.raises(ValueError, match=r"expected FIELD=VALUES|no TOML value"):
        argument(text)

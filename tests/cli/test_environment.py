"""Commands in surroundings that are not what they should be: each computes, or says what is wrong.

By default a few; `-m slow` tries the whole matrix. Root only: a user without a name, a full disk.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minires.__main__ import main

ROOT = Path(__file__).parents[2]
MINIRES = [sys.executable, "-m", "minires"]
GRADFLOW = ["gradflow", "--depths", "8", "--seeds", "1", "--width", "8", "--norm", "none"]
# Reads everything, as the interpreter may lie in root's home, and owns nothing.
STRANGER = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"]
STRANGER += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
RUNS = ["gradflow", "degradation"]
ARTEFACTS = {"gradflow.png", "gradflow.svg", "layers.csv", "blocks.csv", "run.json"}


def call(command, without=(), cwd=ROOT, **variables):
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'kernels'}", **variables}
    for name in without:
        env.pop(name, None)
    return subprocess.run(
        [*map(str, command)], cwd=cwd, env=env, capture_output=True, encoding="utf-8", timeout=120
    )


@pytest.fixture
def stranger(tmp_path):
    """What runs a command as a user whom the system does not know, and a folder that is theirs."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    if subprocess.run([*STRANGER, "true"], check=False, timeout=100).returncode != 0:
        pytest.skip("this root may not become somebody else")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    return STRANGER, theirs


@pytest.fixture
def disk(tmp_path):
    """A function that mounts a small disk."""
    mounted = []

    def mount(size):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True, check=False, timeout=100).returncode != 0:
            pytest.skip("needs the right to mount")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True, timeout=100)


def test_a_user_without_home_and_name_reads_a_lesson(stranger):
    privileges, _ = stranger
    without = ("HOME", "XDG_CACHE_HOME", "MINIRES_CACHE_DIR", "MPLCONFIGDIR")
    done = call([*privileges, *MINIRES, "lessons", "list"], without, cwd="/")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_everything_runs_where_docstrings_are_stripped(tmp_path):
    code = (
        "from minires_kernels.backends import load, BACKENDS\n"
        "for b in ('reference', 'cpu'): load(b)\n"
        "from minires.__main__ import main\n"
        "raise SystemExit(main(['gradcheck', 'relu']) or main(['lessons', 'list']))"
    )
    done = call([sys.executable, "-OO", "-c", code])
    assert done.returncode == 0, done.stderr
    assert "1 of 1 passed" in done.stdout


def test_help_of_commands_needs_no_docstrings():
    """argparse takes no description of None for text; benchmarks describe themselves by theirs."""
    done = call([sys.executable, "-OO", "-m", "benchmarks.lines", "--help"])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command", ["gradcheck", *(pytest.param(c, marks=pytest.mark.slow) for c in RUNS)]
)
def test_a_wrong_backend_in_the_environment_is_named(tmp_path, command):
    done = call([*MINIRES, command], cwd=tmp_path, MINIRES_BACKEND="gpu")
    assert done.returncode == 2
    assert done.stderr.startswith("minires: error: MINIRES_BACKEND: expected one of")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_backend_of_the_environment_is_used(tmp_path):
    done = call([*MINIRES, *GRADFLOW, "--out", tmp_path], MINIRES_BACKEND="reference")
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert document["arguments"]["backend"] == "reference"


@pytest.mark.parametrize("where", ["file", "file/below", "link/below"])
@pytest.mark.parametrize("command", RUNS)
def test_a_folder_that_cannot_be_is_found_before_the_work(
    command, where, tmp_path, capsys, monkeypatch
):
    (tmp_path / "file").write_text("mine", "utf-8")
    (tmp_path / "link").symlink_to("link")
    monkeypatch.setattr("minires.experiments.settings.Setting.build", None)
    assert main([command, "--out", str(tmp_path / where)]) == 2
    assert "name another folder" in capsys.readouterr().err
    assert {p.name for p in tmp_path.iterdir()} == {"file", "link"}


COMPLAINT = "minires: compiled kernels are not kept"


def ran(done, complaints=0):
    """Assert that a command went well, with so many complaints about the cache and no other."""
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(COMPLAINT) == done.stderr.count("\n") == complaints, done.stderr
    assert "wrote" in done.stdout


HOMES = {
    "unset": ({}, ("HOME",), 1),
    "missing": ({"HOME": "/nonexistent/home"}, (), 1),
    "relative": ({"HOME": "home"}, (), 1),
    "a file": ({"HOME": "/etc/passwd"}, (), 1),
    "not theirs": ({"HOME": "ours"}, (), 1),
    "cache elsewhere": ({"XDG_CACHE_HOME": "theirs"}, ("HOME",), 0),
    "no temporary folder": ({"TMPDIR": "/nonexistent", "XDG_CACHE_HOME": "theirs"}, ("HOME",), 0),
    "no folder of Matplotlib": ({"MPLCONFIGDIR": "/proc/x", "XDG_CACHE_HOME": "theirs"}, (), 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("home", HOMES)
def test_a_stranger_runs_uncached(stranger, home):
    privileges, theirs = stranger
    variables, without, complaints = HOMES[home]
    ours = theirs.with_name("ours")  # a folder of root's, without compiled kernels
    ours.mkdir(mode=0o700)
    folders = {"theirs": str(theirs), "ours": str(ours)}
    variables = {k: folders.get(v, v) for k, v in variables.items()}
    unset = ("MINIRES_CACHE_DIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", *without)
    command = [*privileges, *MINIRES, *GRADFLOW, "--out", theirs / "out"]
    done = call(command, [n for n in unset if n not in variables], cwd="/", **variables)
    ran(done, complaints)
    assert {p.name for p in (theirs / "out").iterdir()} >= ARTEFACTS


@pytest.mark.slow
@pytest.mark.parametrize("size", ["4k", "64k"])
def test_a_full_disk_of_the_cache_costs_a_line(disk, tmp_path, size):
    cache = disk(size)
    ran(call([*MINIRES, *GRADFLOW, "--out", tmp_path / "out"], MINIRES_CACHE_DIR=str(cache)), 1)
    left = [p for p in cache.rglob("*") if p.is_file() and p.suffix != ".nbc"]
    assert left == []
    done = call([*MINIRES, "doctor"], MINIRES_CACHE_DIR=str(cache))
    assert done.returncode == 1
    assert re.search(r"! kernels .*(no space|No space)", done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["truncated", "empty", "garbage", "folder"])
def test_a_damaged_cache_is_made_anew(tmp_path, harm):
    command = [*MINIRES, *GRADFLOW, "--out", tmp_path / "out"]
    cache = {"MINIRES_CACHE_DIR": str(tmp_path / "cache")}
    ran(call(command, **cache))
    files = sorted((tmp_path / "cache").rglob("*.nbc"))
    assert files
    for file in files:
        content = file.read_bytes()
        if harm == "folder":
            file.unlink()
            file.mkdir()
        else:
            new = {"truncated": content[: len(content) // 2], "empty": b"", "garbage": b"x" * 999}
            file.write_bytes(new[harm])
    shutil.rmtree(tmp_path / "out")  # whose nets need not be computed again
    ran(call(command, **cache), 1 if harm == "folder" else 0)
    if harm != "folder":
        assert all(file.stat().st_size > 999 for file in files)


@pytest.mark.slow
def test_a_full_disk_of_results_leaves_the_old_ones(disk):
    folder = disk("1200k")
    whole = folder / "run.json"
    whole.write_text("of a run before", "utf-8")
    (folder / "others").write_bytes(bytes(1_100_000))
    done = call([*MINIRES, *GRADFLOW, "--out", folder])
    assert done.returncode == 2
    assert "No space left on device; name another folder" in done.stderr
    assert whole.read_text("utf-8") == "of a run before"
    assert {p.name for p in folder.iterdir()} == {"run.json", "others"}


@pytest.mark.slow
@pytest.mark.parametrize("options", ["-O", "-OO", "-W error -X dev", "-X utf8=0 -P -B"])
def test_options_of_python(tmp_path, options):
    for command in ([*GRADFLOW, "--out", tmp_path], ["gradcheck", "relu"], ["doctor"]):
        done = call([sys.executable, *options.split(), "-m", "minires", *command])
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""


LOCALES = [
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "latin-1:strict"},
]
COMMANDS = [
    [*GRADFLOW, "--out", "out"],
    ["degradation", "--depths", "6", "--seeds", "1", "--epochs", "1", "--out", "out"],
    ["gradcheck", "conv2d", "softmax"],
    ["gradcheck", "--mutants", "--list"],
    ["lessons", "list"],
    ["lessons", "hint", "2"],
    ["lessons", "copy", "out/lessons"],
    ["lessons", "notebook", "2", "-o", "out/2.ipynb"],
    ["lessons", "run", "1", "--fast", "--out", "out"],
    ["lessons", "check", "1"],
    ["doctor"],
    *([name, "--help"] for name in ("gradflow", "degradation", "gradcheck", "lessons", "doctor")),
    ["cuda-check", "--help"],
]


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: " ".join(locale.values()))
def test_every_command_in_a_poor_locale(tmp_path, locale):
    for command in COMMANDS:
        done = subprocess.run(
            [*MINIRES, *command],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'kernels'}"} | locale,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, (command, done.stderr)
        assert b"Traceback" not in done.stderr
    copied = (tmp_path / "out" / "lessons").glob("lesson_*.py")
    for path in copied:
        assert path.read_bytes() == (ROOT / "lessons" / path.name).read_bytes()
    cells = json.loads((tmp_path / "out" / "2.ipynb").read_text("utf-8"))["cells"]
    assert "Â" not in json.dumps(cells, ensure_ascii=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["with spaces and 'quotes'", "‖∂x‖ é 中", "caf\udce9", "-n", "x" * 200]
)
def test_folders_of_any_name(tmp_path, name):
    out = tmp_path / name
    done = subprocess.run(
        [*MINIRES, *GRADFLOW, f"--out={out}"], cwd=ROOT, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert os.fsencode(out) in done.stdout
    assert {p.name for p in out.iterdir()} >= ARTEFACTS


@pytest.mark.slow
def test_a_working_folder_that_is_gone(tmp_path):
    gone = tmp_path / "gone"
    for command, code in (
        ([*GRADFLOW, "--out", tmp_path / "out"], 0),
        ([*GRADFLOW, "--out", "here"], 2),
        (["doctor"], 0),
        (["cuda-check", "no.cu"], 2),
        (["lessons", "list"], 0),
    ):
        gone.mkdir()
        script = 'rmdir "$0"; exec "$@"'
        done = call(["bash", "-c", script, gone, *MINIRES, *command], cwd=gone)
        assert done.returncode == code, (command, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["--nofile=20", "--nproc=3", "--as=2500000000", "--stack=500000"])
def test_limits_of_the_system(stranger, limit):
    privileges, theirs = stranger
    cache = {"XDG_CACHE_HOME": str(theirs), "HOME": str(theirs)}
    command = [*privileges, "prlimit", limit, *MINIRES, *GRADFLOW, "--out", theirs / "out"]
    done = call(command, ("MINIRES_CACHE_DIR",), **cache)
    assert done.returncode == 0, done.stderr

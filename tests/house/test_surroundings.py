"""How the tests themselves run: each ends, and whatever a run inherits makes no difference."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="signals, limits and users are POSIX's")


def run(*command, timeout=60, **options):
    options["env"] = {
        k: v for k, v in options.get("env", os.environ).items() if not k.startswith("PYTEST_")
    }
    command = [sys.executable, *command]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=timeout, **options
    )


STUCK = """
import itertools, time

def test_waits():
    time.sleep(100)

def test_cannot_be_interrupted():
    sum(itertools.repeat(0))  # a loop in C that looks at no signal

def test_passes():
    pass
"""


@posix
@pytest.mark.slow
def test_a_test_that_never_ends_is_ended_and_the_others_run(tmp_path):
    file = tmp_path / "test_stuck.py"
    file.write_text(STUCK, encoding="utf-8")
    limits = ["-o", "timeout=1", "-o", "faulthandler_timeout=2"]
    done = run("-m", "pytest", "-n1", "-c", ROOT / "pyproject.toml", *limits, file, cwd=tmp_path)
    assert "2 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    assert re.search(r"FAILED .*test_waits.*Timeout", done.stdout)
    assert re.search("crashed while running .*test_cannot_be_interrupted", done.stdout)
    assert "in test_cannot_be_interrupted" in done.stderr  # where it stood


LEAVES_A_THREAD = """
import threading, time

def test_fails():
    threading.Thread(target=time.sleep, args=(100,), name="sleeper").start()
    assert False
"""


@posix
@pytest.mark.slow
def test_a_thread_that_a_test_left_behind_does_not_keep_the_run(tmp_path):
    file = tmp_path / "test_leaves.py"
    file.write_text(LEAVES_A_THREAD, encoding="utf-8")
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    done = run("-m", "pytest", "-n0", "-c", ROOT / "pyproject.toml", file, cwd=tmp_path)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed" in done.stdout
    assert "tests left behind: sleeper" in done.stdout


WHOLE = {"numprocesses": None, "usepdb": False, "trace": False, "capture": "fd", "keyword": "",
         "collectonly": False, "lf": False}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "args", "worker", "processes"),
    [
        ({}, ["tests"], None, 3),
        ({}, ["tests"], "gw0", None),  # or each process would start some more, without end
        ({"numprocesses": 0}, ["tests"], None, 0),
        ({"usepdb": True}, ["tests"], None, None),
        ({"capture": "no"}, ["tests"], None, None),
        ({"keyword": "relu"}, ["tests"], None, None),
        ({}, ["tests/house/test_surroundings.py"], None, None),
    ],
)
def test_how_many_processes_run_the_tests(request, monkeypatch, given, args, worker, processes):
    conftest = request.config.pluginmanager.get_plugin(str(ROOT / "tests/conftest.py"))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    if worker:
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    option = types.SimpleNamespace(**WHOLE | given)
    config = types.SimpleNamespace(option=option, rootpath=ROOT, args=[str(ROOT / a) for a in args])
    conftest.pytest_cmdline_main(config)
    assert option.numprocesses == processes


def test_each_program_that_a_test_starts_has_a_time_limit():
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = f"{getattr(node.func.value, 'id', '')}.{node.func.attr}"
                programs = "subprocess.run", "subprocess.check_output", "subprocess.check_call"
                if called in programs and not {"timeout"} & {k.arg for k in node.keywords}:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found


FOUND = """
import conftest, json, os, resource, signal, tempfile
names = "SIGINT", "SIGTERM", "SIGCHLD", "SIGALRM", "SIGPIPE"
ours = ("MINIRES", "NUMBA", "OMP", "PYTHONW")
print(json.dumps({
    "handlers": [str(signal.getsignal(getattr(signal, name))) for name in names],
    "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    "home": os.path.expanduser("~"),
    "settings": sorted(n for n in os.environ if n.startswith(ours)),
    "locale": os.environ["LC_ALL"],
    "temporary": tempfile.gettempdir().isascii(),
}))
"""


@posix
def test_what_a_run_inherits_is_put_back_to_normal(tmp_path):
    import resource

    def inherited():
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE]
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, numbers)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 256))

    folder = os.fsencode(tmp_path) + "/é".encode()  # which Python cannot decode in the locale C
    os.mkdir(folder)
    env = {
        "PATH": os.environ["PATH"], "HOME": "/nowhere", "TMPDIR": folder,
        "LC_ALL": "C", "PYTHONUTF8": "0",
        "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'kernels'}", "PYTHONWARNINGS": "ignore",
        "MINIRES_BACKEND": "cuda", "MINIRES_NUM_THREADS": "0", "MINIRES_CACHE_DIR": "kept",
        "NUMBA_DISABLE_JIT": "1", "NUMBA_CPU_NAME": "kept", "OMP_NUM_THREADS": "none",
    }  # fmt: skip
    done = run("-c", FOUND, env=env, preexec_fn=inherited)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    home = found.pop("home")
    assert home != "/nowhere"
    assert not Path(home).exists()  # it was made for that process
    default = str(signal.SIG_DFL)
    assert found == {
        "handlers": [str(signal.default_int_handler), *[default] * 3, str(signal.SIG_IGN)],
        "blocked": 0,
        "core": 0,
        "files": 256,
        "settings": ["MINIRES_CACHE_DIR", "NUMBA_CPU_NAME"],
        "locale": "C.UTF-8",
        "temporary": True,
    }

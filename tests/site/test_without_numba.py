"""What a browser's Python is like, without a browser: no Numba, a umask of 777, less work."""

import json
import os
import subprocess
import sys

ABSENT = ("numba", "llvmlite", "threadpoolctl", "safetensors", "pooch", "tqdm")
LESSON = f"""
import os, sys
sys.modules.update(dict.fromkeys({ABSENT}))
os.umask(0o777)
import minires as mr
from minires.lessons import Lesson, desk
from minires_kernels.backends import current_backend

class Page(desk.Desk):
    def ask(self, question, prompt):
        return 3.0
    def figure(self, figure, name, statement):
        print("figure", name, len(figure.axes))
        return True

desk.in_runner = Page()
lesson = Lesson(1)
P = lesson.params(seeds=10, fast={{"seeds": 1}}, browser={{"seeds": 2}})
lesson.predict("n", "How many?")
x = mr.tensor([[1.0, 2.0]], requires_grad=True)
net = mr.nn.Linear(2, 2)
net(x).sum().backward()
lesson.bars("b", "Bars", {{"a": [float(x.grad.sum())]}}, x="error (%)")
print(current_backend(), P.seeds, mr.get_num_threads())
"""


def run(code, tmp_path, **environment):
    places = {"MINIRES_OUT": str(tmp_path), "MINIRES_ANSWERS": str(tmp_path)}
    command, environment = [sys.executable, "-c", code], os.environ | places | environment
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)


def test_a_lesson_without_numba_under_a_umask_of_777(tmp_path):
    done = run(LESSON, tmp_path, MINIRES_BROWSER="1")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2:] == ["figure b 1", "reference 2 1"]
    assert done.stderr.count("\n") == 1
    assert "Numba is not installed" in done.stderr
    progress = tmp_path / "progress.json"
    assert progress.stat().st_mode & 0o777 == 0o600
    assert json.loads(progress.read_text("utf-8"))["1"]["predictions"] == {"n": 3.0}


def test_who_chooses_the_reference_is_not_told(tmp_path):
    done = run(LESSON, tmp_path, MINIRES_BACKEND="reference", MINIRES_FAST="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "reference 1 1"

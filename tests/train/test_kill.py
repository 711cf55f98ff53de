"""Whatever ends a training from outside, what was saved is whole, and going on gives the same bits.

The trainings are processes of their own, on the embedded digits.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from minires.train import Recipe, checkpoint, fit

from .conftest import images, net

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")]
ITERATIONS = 300
KILLS = 15
RUN = [
    *("--model", "resnet20", "--option", "width=2", "--data", "digits", "--seed", "4"),
    *("--iterations", str(ITERATIONS), "--checkpoint-every", "1", "--eval-every", "150"),
    *("--set", "ema=0.9", "--set", "lookahead=3", "--set", "norm_bias_rate=8"),
    *("--set", "freeze=layer1", "--set", "freeze_after=0.5"),  # between two kills
]


def start(out, *more, limit=""):
    """Start a training; `limit` are lines that the process runs first."""
    code = f"{limit}\nimport minires.__main__ as m; m.entry()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "train", *more, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finish(process, code=0):
    out, error = process.communicate(timeout=1500)
    assert process.returncode == code, (process.returncode, out, error)
    return out + error


def weights(out):
    return load_file(out / "model.safetensors")


def rows(out):
    """metrics.csv without what a clock has put into it."""
    lines = (out / "metrics.csv").read_text(encoding="utf-8").splitlines()
    return [line.split(",")[:8] for line in lines]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    finish(start(out, *RUN))
    return out


def saved_at(out):
    try:
        return (out / checkpoint.NAME).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def test_killed_at_random_moments(undisturbed, tmp_path):
    rng, kills, reached = random.Random(1), 0, []
    while kills < KILLS:
        resume = checkpoint.exists(tmp_path)
        process = start(tmp_path, *(["--resume"] if resume else RUN))
        before, end = saved_at(tmp_path), time.monotonic() + 200
        while saved_at(tmp_path) == before and process.poll() is None:  # until it takes steps
            assert time.monotonic() < end
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.15))
        process.kill()
        process.communicate(timeout=200)
        kills += 1
        document, path, _ = checkpoint.load_latest(tmp_path)  # whole, at every moment
        assert path.name == checkpoint.NAME
        reached.append(document["iteration"])
        if reached[-1] == ITERATIONS:
            break
    assert kills == KILLS, reached  # else the training is too short for this test
    assert reached == sorted(reached)
    finish(start(tmp_path, "--resume"))
    expected, found = weights(undisturbed), weights(tmp_path)
    assert list(expected) == list(found)
    assert all(np.array_equal(expected[k], found[k]) for k in expected)
    assert rows(undisturbed) == rows(tmp_path)
    assert not list(tmp_path.glob(".minires-????????????????"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_says_how_to_go_on(undisturbed, tmp_path, number, code):
    process = start(tmp_path, *RUN, "--checkpoint-every", "40")
    while not (regular := saved_at(tmp_path)):
        time.sleep(0.01)
    process.send_signal(number)
    text = finish(process, code)
    assert f"minires train --resume --out {tmp_path}" in text
    assert signal.Signals(number).name in text
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert document["status"] == "interrupted"
    assert document["iteration"] % 40 == 0 or saved_at(tmp_path) > regular  # by the signal
    finish(start(tmp_path, "--resume"))
    expected, found = weights(undisturbed), weights(tmp_path)
    assert all(np.array_equal(expected[k], found[k]) for k in expected)


def test_two_runs_in_one_folder(tmp_path):
    first = start(tmp_path, *RUN)
    while not saved_at(tmp_path):
        time.sleep(0.01)
    text = finish(start(tmp_path, *RUN, "--force"), 2)
    assert f"process {first.pid}" in text
    assert "is training into" in text
    first.kill()
    first.communicate(timeout=200)
    finish(start(tmp_path, "--resume"))  # the lock of a dead process holds nobody up


FULL = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from conftest import images, net
from minires.train import Habits, Recipe, fit
from minires.train.listener import Listener

class Fills(Listener):
    def step(self, progress):
        if progress.iteration == 12:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))

recipe = Recipe(batch_size=16, iterations=30, pad=1)
run = fit(net(), images(100, "train"), images(40, "test"), recipe,
          out=sys.argv[2], habits=Habits(checkpoint_every=5, listeners=[Fills()]))
print(run.status, run.reason)
"""


def test_no_room_for_a_checkpoint(tmp_path):
    """From iteration 12 on no file may be larger than 1000 bytes."""
    here = Path(__file__).parent
    code = [sys.executable, "-c", FULL, str(here), str(tmp_path)]
    done = subprocess.run(code, capture_output=True, encoding="utf-8", timeout=300, check=True)
    assert done.stdout.startswith("failed the checkpoint of iteration 15 cannot be saved")
    assert "the last one is intact" in done.stdout
    assert checkpoint.load(tmp_path / checkpoint.NAME)["iteration"] == 10
    assert not list(tmp_path.glob(".minires-????????????????"))
    recipe = Recipe(batch_size=16, iterations=30, pad=1)
    tiny = images(100, "train"), images(40, "test")
    run, whole = fit(net(), *tiny, recipe, out=tmp_path, resume=True), fit(net(), *tiny, recipe)
    expected, found = whole.net.state_dict(), run.net.state_dict()
    assert all(np.array_equal(expected[k], found[k]) for k in expected)

"""Trainings by real ranks, started with mpirun, against one process."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from minires.store import Store
from minires.train import checkpoint

BESIDE = Path(sys.executable).parent / "mpirun"
MPIRUN = str(BESIDE) if BESIDE.exists() else shutil.which("mpirun")
MISSING = [
    *([] if importlib.util.find_spec("mpi4py") else ["mpi4py"]),
    *([] if MPIRUN else ["mpirun"]),
]
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f'not installed: {", ".join(MISSING)} (pip install "minires[mpi]")'
)
RUN = [
    *("--model", "resnet20", "--option", "width=2", "--data", "digits", "--batch-size", "48"),
    *("--set", "crop=pad", "--set", "pad=1", "--set", "ema=0.9"),
]


TWO = ("--ranks", "2", "--iterations", "40")


def start(out, *more, before=()):
    return subprocess.Popen(
        [*before, sys.executable, "-m", "minires", "train", *more, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=os.environ | {"MINIRES_NUM_THREADS": "1"},
    )


def finish(process, code=0):
    out, error = process.communicate(timeout=300)
    assert code is None or process.returncode == code, (process.returncode, out, error)
    return out + error


def train(out, *more, code=0):
    return finish(start(out, *RUN, *more), code)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    train(out, *TWO)
    return out


def weights(out):
    return load_file(out / "model.safetensors")


def document(out):
    return json.loads((out / "run.json").read_text(encoding="utf-8"))


def assert_close(found, expected, rtol=1e-3):
    assert set(found) == set(expected)
    for name, a in expected.items():
        np.testing.assert_allclose(found[name], a, rtol=rtol, atol=rtol / 10, err_msg=name)


def assert_same(found, expected):
    assert set(found) == set(expected)
    assert not [name for name, a in expected.items() if a.tobytes() != found[name].tobytes()]


def test_two_ranks_train_the_net_of_one_process(tmp_path):
    """In eight steps, with records; mpirun is given by hand, as on several machines."""
    one, two, steps = tmp_path / "one", tmp_path / "two", ("--iterations", "8", "--record", "4")
    train(one, *steps)
    command = [MPIRUN, "-n", "2", sys.executable, "-m", "minires", "train", "--out", str(two)]
    told = subprocess.run(
        [*command, *RUN, *steps, "--sync-bn"],
        capture_output=True, encoding="utf-8", timeout=100, check=True,
    )  # fmt: skip
    assert told.stdout.count("test error") == 1, "rank 0 alone prints"
    assert_close(weights(two), weights(one))
    assert document(two)["train_loss"] == pytest.approx(document(one)["train_loss"], rel=1e-5)
    assert document(two)["test_error"] == document(one)["test_error"]
    parameters = sum(a.nbytes for name, a in weights(one).items() if "running" not in name)
    said = document(two)["ranks"]
    assert (said["ranks"], said["sync_bn"]) == (2, True)
    assert parameters < said["bytes_per_step"] < 5 * parameters

    assert told.stdout.count("kept in ") == 1
    (found,), (expected,) = (Store(out).runs() for out in (two, one))
    assert (found.setting["ranks"], expected.setting["ranks"]) == (2, 1)
    assert found.key != expected.key
    rows, wanted = found.rows(), expected.rows()
    assert [row["name"] for row in rows] == [row["name"] for row in wanted]
    for name in ("dx_norm", "dw_norm", "forward_rms", "update_ratio"):
        assert [r[name] for r in rows] == pytest.approx([r[name] for r in wanted], rel=1e-3), name


@pytest.mark.slow
@pytest.mark.parametrize("ranks", ["3"])
def test_any_number_of_ranks_trains_the_same_net_and_gives_the_same_bits_twice(tmp_path, ranks):
    one, many, again = (tmp_path / name for name in ("one", "many", "again"))
    steps = ("--iterations", "4", "--sync-bn")
    train(one, *steps)
    train(many, *steps, "--ranks", ranks)
    train(again, *steps, "--ranks", ranks)
    assert_close(weights(many), weights(one))
    assert_same(weights(again), weights(many))


@pytest.mark.slow
def test_ranks_go_on_with_the_same_bits_or_as_others_where_that_is_exact(undisturbed, tmp_path):
    parts, sync = tmp_path / "parts", tmp_path / "sync"
    two = (*TWO, "--checkpoint-every", "1")
    process = start(parts, *RUN, *two)
    interrupt(process, parts)
    assert "minires train --ranks 2 --resume" in finish(process, 130)
    for other in ([], ["--ranks", "2", "--sync-bn"]):
        assert "batch_norm: 'per rank, of 2" in finish(start(parts, "--resume", *other), 2)
    finish(start(parts, "--resume", "--ranks", "2"))
    assert_same(weights(parts), weights(undisturbed))

    process = start(sync, *RUN, *two, "--sync-bn")
    interrupt(process, sync)
    finish(process, 130)
    finish(start(sync, "--resume", "--ranks", "3"))
    assert document(sync)["ranks"]["sync_bn"], "as the run began"
    assert document(sync)["iteration"] == 40


def interrupt(process, out):
    wait_for_steps(process, out)
    process.send_signal(signal.SIGINT)


def wait_for_steps(process, out):
    end = time.monotonic() + 100
    while not (out / checkpoint.NAME).exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def process_of(rank, out):
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes().decode().split("\0")
            rank_here = f"PMI_RANK={rank}".encode() in (path / "environ").read_bytes().split(b"\0")
            if rank_here and str(out) in words and words[0] != "sh":
                return int(path.name)
        except OSError:
            continue
    raise AssertionError(f"rank {rank} is not there")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc to find a rank")
@pytest.mark.parametrize("plain", [False, True])
def test_a_killed_rank_ends_all_and_nothing_is_lost(undisturbed, tmp_path, plain):
    """Also where a plain mpirun has started them, which kills all when one is killed."""
    killed, rank = tmp_path / "killed", 0  # the one that writes; the next takes over
    often = ("--checkpoint-every", "10")
    if plain:
        process = start(killed, *RUN, *TWO[2:], *often, before=(MPIRUN, "-n", "2"))
    else:
        process = start(killed, *RUN, *TWO, *often)
    wait_for_steps(process, killed)
    time.sleep(0.1)
    victim = process_of(rank, killed)
    os.kill(victim, signal.SIGKILL)
    since = time.monotonic()
    told = finish(process, None)
    assert process.returncode != 0
    assert time.monotonic() - since < 20
    assert f"rank {rank} (process {victim}" in told, told
    assert "has ended; a checkpoint is saved, --resume goes on from it" in told
    assert "training" in finish(start(killed, "--resume", "--ranks", "2"))
    assert_same(weights(killed), weights(undisturbed))


@pytest.mark.slow
def test_all_ranks_see_a_divergence_and_an_error(tmp_path):
    steps = ("--iterations", "9", "--ranks", "2")
    told = train(tmp_path / "a", *steps, "--lr", "1e30", code=1)
    assert told.count("minires: diverged: at iteration") == 1
    assert "on rank" in told
    batch = load_file(tmp_path / "a" / "diverged.safetensors")
    assert len(batch["batch.y"]) == 48, "the whole batch is kept"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / checkpoint.NAME).write_bytes(b"half")
    told = train(tmp_path / "b", *steps, code=2)
    assert told.count("minires: error") == 1
    assert "has not finished" in told


@pytest.mark.slow
def test_minutes_end_for_all_ranks_at_one_step(tmp_path):
    told = train(tmp_path / "a", "--minutes", "0.05", "--record", "5", "--ranks", "2")
    said = document(tmp_path / "a")
    assert said["status"] == "finished"
    assert said["iteration"] >= 1
    assert f"{said['iteration']} iterations" in told
    assert "not kept in a store: no two trainings" in told
    rows = (tmp_path / "a" / "layers.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {int(row.split(",")[0]) for row in rows} == set(range(0, said["iteration"], 5))

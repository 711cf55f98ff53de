"""Batches: the same bits for any number of workers and any start; threads that end."""

import gc
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from minires import data
from minires.data import image_loader


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (37, 12, 10, 3), dtype=np.uint8)
    return data.Images(x, rng.integers(0, 4, 37), tuple("abcd"))


def loader(images, **options):
    options = {"augment": data.Augment(cutout=3), "normalise": data.Normalise.of(images)} | options
    return data.ImageLoader(images, **{"batch_size": 8} | options)


def gathered(batches):
    xs, ys = zip(*batches)
    return np.concatenate(xs), np.concatenate(ys)


def test_batches_depend_on_seed_and_epoch_alone(images):
    x, y = gathered(loader(images, workers=0).batches(2))
    for workers, prefetch in ((1, 1), (1, 5), (4, 2)):
        x2, y2 = gathered(loader(images, workers=workers, prefetch=prefetch).batches(2))
        assert np.array_equal(x, x2)
        assert np.array_equal(y, y2)
    assert not np.array_equal(x, gathered(loader(images).batches(3))[0])
    assert not np.array_equal(x, gathered(loader(images, seed=1).batches(2))[0])
    rest, labels = gathered(loader(images, workers=2).batches(2, first=3))
    assert np.array_equal(rest, x[24:])
    assert np.array_equal(labels, y[24:])
    assert list(loader(images).batches(2, first=5)) == []


def test_the_order_is_that_of_the_plain_loader(images):
    plain = data.DataLoader(np.arange(37), images.y, 8, seed=4)
    for epoch in range(2):
        labels = [y.tolist() for _, y in loader(images, seed=4).batches(epoch)]
        assert labels == [y.tolist() for _, y in plain]
    every = loader(images, shuffle=False, augment=None)
    x, y = gathered(every)
    assert np.array_equal(x, data.Normalise.of(images)(images.x))
    assert np.array_equal(y, images.y)
    assert np.array_equal(gathered(every)[0], x)
    assert (len(every), len(loader(images, drop_last=True))) == (5, 4)
    assert [len(y) for _, y in loader(images, drop_last=True).batches(0)] == [8] * 4


def helpers():
    return [t for t in threading.enumerate() if t.name.startswith("minires-data")]


def test_threads_end_with_the_iterator(images):
    some = loader(images, workers=3)
    list(some.batches(0))
    assert helpers() == []
    batches = some.batches(0)
    next(batches)
    assert helpers()
    batches.close()
    assert helpers() == []
    for _ in some.batches(0):
        break
    gc.collect()
    assert helpers() == []
    never_begun = some.batches(0)
    assert helpers() == []
    del never_begun


def test_what_goes_wrong_in_a_thread_is_raised_where_batches_are_used(images, monkeypatch):
    whole = image_loader.warp

    def fails_at_the_third(x, index, *args, **options):
        if calls.append(len(index)) or len([n for n in calls if n]) > 2:
            raise MemoryError("no room")
        return whole(x, index, *args, **options)

    monkeypatch.setattr(image_loader, "warp", fails_at_the_third)
    for workers in (0, 1, 3):
        calls = []
        got = 0
        with pytest.raises(MemoryError, match="no room"):
            for _ in loader(images, workers=workers).batches(0):
                got += 1
        assert got <= 2
        assert workers > 1 or got == 2
        assert helpers() == []


def test_few_batches_are_made_ahead(images, monkeypatch):
    whole, made = image_loader.warp, []

    def counted(x, index, *args, **options):
        if len(index):
            made.append(len(index))
        return whole(x, index, *args, **options)

    monkeypatch.setattr(image_loader, "warp", counted)
    batches = loader(images, prefetch=2).batches(0)
    next(batches)
    deadline = time.monotonic() + 10
    while len(made) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 3  # the one in use and two ahead
    batches.close()


def test_waiting_is_measured(images, monkeypatch):
    whole = image_loader.warp

    def slow(x, index, *args, **options):
        time.sleep(0.1 if len(index) else 0)
        return whole(x, index, *args, **options)

    monkeypatch.setattr(image_loader, "warp", slow)
    for workers in (0, 1):
        some = loader(images, batch_size=13, workers=workers)
        list(some.batches(0))
        assert some.waited > 0.25
    some = loader(images, batch_size=13)
    for _ in some.batches(0):
        time.sleep(0.2)
    assert 0.09 < some.waited < 0.25  # for the first batch alone


def test_a_loader_may_be_copied_and_pickled(images):
    some = pickle.loads(pickle.dumps(loader(images)))
    assert np.array_equal(gathered(some.batches(1))[0], gathered(loader(images).batches(1))[0])


@pytest.mark.parametrize("end", ["exit", "interrupt"])
def test_no_thread_keeps_the_process_alive(end):
    code = f"""
import numpy as np, os, signal
from minires import data
x = np.random.default_rng(0).integers(0, 256, (4000, 8, 8, 3), dtype=np.uint8)
images = data.Images(x, np.zeros(4000, int), ("a",))
loader = data.ImageLoader(images, 8, normalise=data.Normalise.of(images), workers=3)
for _ in loader.batches(0):
    break
try:
    for _ in loader.batches(0):
        raise ValueError("meant")
except ValueError:
    print("left twice")
batches = loader.batches(0)
for _ in batches:
    next(batches)
    if {end!r} == "exit":
        raise SystemExit(3)
    os.kill(os.getpid(), signal.SIGINT)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=100
    )
    assert done.returncode in {"exit": [3], "interrupt": [-2, 130, 1]}[end], done.stderr
    assert done.stderr.strip().endswith({"exit": "", "interrupt": "KeyboardInterrupt"}[end])
    assert done.stdout.strip() == "left twice"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": -1}, "workers"),
        ({"prefetch": 0}, "prefetch"),
        ({"seed": -1}, "seed"),
        ({"shuffle": 1}, "shuffle"),
        ({"augment": data.Augment(size=99)}, "does not fit"),
        ({"normalise": data.Normalise([0.5], [1])}, "expected shape"),
    ],
)
def test_the_loader_refuses(images, options, said):
    with pytest.raises((ValueError, TypeError), match=said):
        loader(images, **options)
    with pytest.raises(TypeError, match=r"expected minires.data.Images, got ndarray"):
        data.ImageLoader(images.x, 8, normalise=data.Normalise.of(images))
    with pytest.raises(ValueError, match="larger than the 37"):
        data.ImageLoader(images, 38, normalise=data.Normalise.of(images), drop_last=True)
    for epoch, first in ((-1, 0), (0, -1), (0, 6), (0.5, 0)):
        with pytest.raises((ValueError, TypeError), match=r"epoch|first"):
            loader(images).batches(epoch, first)

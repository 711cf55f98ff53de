"""A training that was stopped goes on as if it had not been: to the last bit."""

import json
import os
import signal

import numpy as np
import pytest

from minires import nn
from minires.train import Habits, Recipe, checkpoint, fit, session
from minires.train.folder import Folder
from minires.train.listener import Listener

from .conftest import images, net

pytestmark = pytest.mark.usefixtures("no_curves")


class StopAt(Listener):
    """Sends this process a signal after a step."""

    def __init__(self, iteration, number=signal.SIGINT):
        self.iteration, self.number = iteration, number

    def step(self, progress):
        if progress.iteration == self.iteration:
            os.kill(os.getpid(), self.number)


class Words(Listener):
    def __init__(self):
        self.said = []

    def say(self, text):
        self.said.append(text)


class WithDropout(nn.Module):
    """A net that draws random numbers while it trains, of both kinds of generators."""

    def __init__(self):
        super().__init__()
        self.body = net()
        self.own = np.random.default_rng(5)
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        factor = np.float32(1 + 0.1 * self.own.random()) if self.training else np.float32(1)
        return self.drop(self.body(x)) * factor


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return list(a) == list(b) and all(np.array_equal(a[k], b[k]) for k in a)


def measured(run):
    """The rows of a run without what a clock has put into them."""
    return [(r.kind, r.iteration, r.lr, r.train_loss, r.train_error, r.test_loss) for r in run.rows]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"optimizer": "adamw", "decay_norms": False, "schedule": "cosine", "warmup": 0.2},
        {"ema": 0.8, "nesterov": True, "schedule": "onecycle", "clip": 0.5, "cutout": 3},
        {"warmup_error": 0.6, "flip": "alternating", "normalise": "pixel"},
        {"lookahead": 3, "freeze": "body.fc", "freeze_after": 2, "norm_bias_rate": 8, "views": 6},
    ],
)
def test_stopped_twice_it_ends_with_the_same_bits(tiny, recipe, tmp_path, monkeypatch, how):
    monkeypatch.setattr(session, "INTERVAL", 5)
    recipe = recipe.changed(**how)
    whole = fit(WithDropout(), *tiny, recipe, seed=3)
    assert whole.status == "finished"
    assert whole.iteration == 30
    if "warmup_error" in how:
        at = {r.iteration: r.lr for r in whole.rows}
        assert (at[5], at[12]) == (pytest.approx(0.005), pytest.approx(0.05))
    for at in (4, 17):
        habits = Habits(listeners=[StopAt(at)])
        run = fit(WithDropout(), *tiny, recipe, seed=3, out=tmp_path, resume=at > 4, habits=habits)
        assert (run.status, run.iteration, run.signal) == ("interrupted", at, signal.SIGINT)
        assert not (tmp_path / "model.safetensors").exists()
    last = fit(WithDropout(), *tiny, recipe, seed=3, out=tmp_path, resume=True)
    assert last.status == "finished"
    assert same(last.net, whole.net)
    assert measured(last) == measured(whole)
    assert last.test.loss == whole.test.loss


def test_checkpoints_change_nothing(tiny, recipe, tmp_path):
    habits = Habits(checkpoint_every=1, eval_every=3, record=4)
    assert same(
        fit(net(), *tiny, recipe).net, fit(net(), *tiny, recipe, out=tmp_path, habits=habits).net
    )


def test_another_seed_is_another_training(tiny, recipe):
    assert not same(fit(net(), *tiny, recipe).net, fit(net(), *tiny, recipe, seed=1).net)


def stopped(tiny, recipe, out, at=6, **options):
    return fit(net(), *tiny, recipe, out=out, habits=Habits(listeners=[StopAt(at)]), **options)


def test_another_run_is_refused_with_the_differences(tiny, recipe, tmp_path):
    stopped(tiny, recipe, tmp_path)
    with pytest.raises(ValueError, match=r"as it began[^:]*:\s+recipe\.lr: 0\.05 in the"):
        fit(net(), *tiny, recipe.changed(lr=0.1), out=tmp_path, resume=True)
    with pytest.raises(ValueError, match="seed: 0 in the checkpoint, 1 now"):
        fit(net(), *tiny, recipe, out=tmp_path, resume=True, seed=1)
    with pytest.raises(ValueError, match=r"data\.train\.sample"):
        fit(net(), images(100, "train", 1), tiny[1], recipe, out=tmp_path, resume=True)
    with pytest.raises(ValueError, match=r"data\.test"):
        fit(net(), tiny[0], None, recipe, out=tmp_path, resume=True)
    with pytest.raises(ValueError, match=r"model\.name"):
        fit(net(), *tiny, recipe, out=tmp_path, resume=True, model={"name": "resnet20"})
    with pytest.raises(ValueError, match="missing: layer2"):
        fit(net(shortcut="B"), *tiny, recipe, out=tmp_path, resume=True)


def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(tiny, recipe, tmp_path):
    whole = fit(net(), *tiny, recipe)
    for at in (6, 12):
        stopped(tiny, recipe, tmp_path, at, resume=at > 6)
    path = tmp_path / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:-1])
    words = Words()
    run = fit(net(), *tiny, recipe, out=tmp_path, resume=True, habits=Habits(listeners=[words]))
    assert "no checkpoint of `minires train`, or is cut off" in words.said[0]
    assert "going on from the one before" in words.said[0]
    assert same(run.net, whole.net)


@pytest.mark.parametrize("how", ["cut", "flipped", "edited", "foreign", "empty"])
def test_without_a_whole_checkpoint_nothing_goes_on(tiny, recipe, tmp_path, how):
    stopped(tiny, recipe, tmp_path)
    path = tmp_path / checkpoint.NAME
    data = path.read_bytes()
    if how == "edited":
        data = data.replace(b'\\"iteration\\": 6', b'\\"iteration\\": 7')
    elif how == "flipped":
        data = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    elif how == "foreign":
        from safetensors.numpy import save

        data = save({"w": np.zeros(3, np.float32)})
    else:
        data = data[: len(data) // 2] if how == "cut" else b""
    assert data != path.read_bytes()
    path.write_bytes(data)
    with pytest.raises(checkpoint.BrokenCheckpoint, match=r"checkpoint\.safetensors"):
        fit(net(), *tiny, recipe, out=tmp_path, resume=True)


def test_resume_needs_a_checkpoint(tiny, recipe, tmp_path):
    with pytest.raises(FileNotFoundError, match="start without --resume"):
        fit(net(), *tiny, recipe, out=tmp_path, resume=True)
    with pytest.raises(ValueError, match="name the folder"):
        fit(net(), *tiny, recipe, resume=True)


def test_a_finished_run_is_written_again_but_not_trained_again(tiny, recipe, tmp_path):
    whole = fit(net(), *tiny, recipe, out=tmp_path)
    (tmp_path / "model.safetensors").unlink()
    again = fit(net(), *tiny, recipe, out=tmp_path, resume=True)
    assert (again.status, again.iteration) == ("finished", 30)
    assert same(again.net, whole.net)
    assert measured(again) == measured(whole)
    assert (tmp_path / "model.safetensors").exists()


def test_a_document_comes_back_as_it_was(tmp_path):
    document = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "n": np.array(7),
        "list": [1, 2.5, None, np.zeros(0), {"b": np.float64(0.1)}],
        "big": 1 << 120,
        "nan": float("nan"),
    }
    checkpoint.save(tmp_path, document)
    back = checkpoint.load(tmp_path / checkpoint.NAME)
    assert back["a"].dtype == np.float32
    assert np.array_equal(back["a"], document["a"])
    assert back["n"].shape == ()
    assert back["n"] == 7
    assert back["list"][4] == {"b": 0.1}
    assert back["list"][3].size == 0
    assert back["big"] == 1 << 120
    assert np.isnan(back["nan"])
    assert json.dumps(back["list"][:3]) == "[1, 2.5, null]"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"$tensor": "none"}', '{"a": {"$tensor": []}}'])
def test_a_document_that_was_forged_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.setattr(checkpoint.json, "dumps", lambda *_, **__: text)
    checkpoint.save(tmp_path, {"a": 1})
    monkeypatch.undo()
    with pytest.raises(checkpoint.BrokenCheckpoint, match="no document of a training"):
        checkpoint.load(tmp_path / checkpoint.NAME)


def test_a_training_by_the_clock_goes_on_at_the_rate_of_its_time(tiny, tmp_path):
    recipe = Recipe(minutes=1, lr=1.0, schedule="linear", batch_size=16)
    with Folder(tmp_path) as folder:
        first, second = (session.Session(net(), *tiny, recipe, folder, 0, Habits()) for _ in "ab")
        first.clock.start -= 45
        first.loader.waited = 3.0
        first.save()
        second.resume()
    assert second.schedule.get_last_lr() == [pytest.approx(0.25, abs=0.05)]
    assert second.loader.waited == 3


def test_what_cannot_be_written_leaves_the_checkpoint(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, {"n": 1})
    checkpoint.save(tmp_path, {"n": 2})

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(tmp_path, {"n": 3})
    assert checkpoint.load(tmp_path / checkpoint.NAME) == {"n": 2}
    assert checkpoint.load(tmp_path / checkpoint.PREVIOUS) == {"n": 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == [checkpoint.PREVIOUS, checkpoint.NAME]

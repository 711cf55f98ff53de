"""What `fit` leaves behind, what it says when something goes wrong, and what it refuses."""

import json
import os

import numpy as np
import pytest
from safetensors.numpy import load_file

from minires import data, nn, results, weights
from minires.grad_mode import no_grad
from minires.tensor import Tensor
from minires.train import Habits, Recipe, checkpoint, evaluate, fit, load_trained
from minires.train.evaluate import predictions
from minires.train.folder import Folder
from minires.train.outputs import read_metrics

from .conftest import images, net
from .test_resume import StopAt, Words, same

pytestmark = pytest.mark.usefixtures("no_curves")


def test_a_run_learns_and_leaves_its_results(tiny, recipe, tmp_path):
    model = {"name": "resnet20", "options": {"width": 2}}
    from minires import models

    small = models.build("resnet20", width=2, num_classes=3, seed=0)
    habits = Habits(record=10, eval_every=12)
    run = fit(small, *tiny, recipe, out=tmp_path, model=model, habits=habits)
    assert run.status == "finished"
    assert run.train_error < 0.5
    assert [p.name for p in run.files][-1] == "run.json"
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert sorted(document["files"]) == sorted(p.name for p in run.files)
    assert document["data_note"] == "made for a test"
    assert document["test_error"] == run.test.error
    assert document["recipe"]["lr"] == 0.05

    rows = read_metrics(tmp_path / "metrics.csv")
    assert [r["iteration"] for r in rows if r["kind"] == "test"] == [12, 24, 30]
    assert [r["iteration"] for r in rows if r["kind"] == "epoch"] == [6, 12, 18, 24, 30]
    last = [r for r in rows if r["kind"] == "epoch"][-1]
    assert last["train_error"] == run.train_error
    flow = results.read_text(tmp_path / "layers.csv").splitlines()
    assert flow[0].startswith("step,loss,index,name")
    assert {line.split(",")[0] for line in flow[1:]} == {"0", "10", "20"}

    trained = load_trained(tmp_path)
    assert same(trained.net, run.net)
    assert trained.classes == tiny[0].classes
    found = evaluate(trained.net, tiny[1], trained.normalise)
    assert (found.error, found.loss) == (run.test.error, run.test.loss)
    p = trained.probabilities(tiny[1].x)
    assert p.sum(axis=1) == pytest.approx(1)
    assert float((p.argmax(axis=1) != tiny[1].y).mean()) == pytest.approx(found.error)
    again = models.build("resnet20", width=2, num_classes=3)
    weights.load_into(again, tmp_path / "model.safetensors")
    assert same(again, run.net)


def test_running_error_and_rows_are_those_of_the_batches(tiny, tmp_path):
    """The rows of 100 iterations and of the epoch, from what each step was told to be."""
    recipe = Recipe(batch_size=50, iterations=104, lr=0.01, pad=0, flip="none")
    run = fit(net(), tiny[0], None, recipe)
    intervals = [r for r in run.rows if r.kind == "interval"]
    assert [r.iteration for r in intervals] == [100, 104]
    assert run.test is None
    epochs = {r.iteration: r for r in run.rows if r.kind == "epoch"}
    assert len(epochs) == 52  # two batches in each
    mean = np.mean([r.train_error for i, r in epochs.items() if i <= 100])
    assert intervals[0].train_error == pytest.approx(mean)


def test_averaged_weights_are_evaluated_and_saved(tiny, recipe, tmp_path):
    run = fit(net(), *tiny, recipe.changed(ema=0.9), out=tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    assert not np.array_equal(saved["fc.weight"], run.net.state_dict()["fc.weight"])
    run.net.load_state_dict(saved)
    assert evaluate(run.net, tiny[1], run.normalise).error == run.test.error


def test_slow_weights_are_evaluated_and_saved(tiny, recipe, tmp_path):
    run = fit(net(), *tiny, recipe.changed(lookahead=7, views=6), out=tmp_path)  # 28 of 30
    saved = load_file(tmp_path / "model.safetensors")
    assert all(np.array_equal(saved[k], v) for k, v in run.net.state_dict().items())
    document = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert document["test_weights"] == "slow (lookahead)"
    assert document["test_error"] == evaluate(run.net, tiny[1], run.normalise).error
    six = evaluate(run.net, tiny[1], run.normalise, views=6)
    assert (document["test_error_views"], document["test_loss_views"]) == (six.error, six.loss)


def averaged(model, test, normalise, views):
    found = predictions(model, test.x, test.y, normalise, views, batch_size=9)
    return np.concatenate([logits for logits, _ in found])


def test_evaluation_by_hand(tiny):
    model = net().train()
    model.layer1.eval()
    test, normalise = tiny[1], data.Normalise.of(tiny[0])
    found = evaluate(model, test, normalise, batch_size=7)
    assert model.training
    assert not model.layer1.training
    model.eval()
    with no_grad():
        logits = model(Tensor(normalise(test.x))).data.astype(float)
        mirrored = model(Tensor(normalise(test.x[:, :, ::-1]))).data.astype(float)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert found.loss == pytest.approx(-np.log(p[np.arange(40), test.y]).mean(), rel=1e-5)
    assert found.error == pytest.approx((p.argmax(axis=1) != test.y).mean())
    assert found.images == 40
    for k in range(3):
        of_class = test.y == k
        wrong = (p[of_class].argmax(axis=1) != k).mean()
        assert found.class_errors()[k] == pytest.approx(wrong)
        assert found.confusion[k].sum() == of_class.sum()
    both = averaged(model, test, normalise, 2)
    assert both == pytest.approx((logits + mirrored) / 2, rel=1e-4, abs=1e-5)
    around = np.pad(test.x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    shifted = np.zeros_like(logits)
    for x in (around[:, :8, :8], around[:, 2:, 2:]):  # 8 rows and columns of 10
        for view in (x, x[:, :, ::-1]):
            with no_grad():
                shifted += model(Tensor(normalise(np.ascontiguousarray(view)))).data / 4
    six = averaged(model, test, normalise, 6)
    assert six == pytest.approx((both + shifted) / 2, rel=1e-4, abs=1e-5)
    assert evaluate(model, test, normalise, views=6).error == (six.argmax(1) != test.y).mean()
    with pytest.raises(ValueError, match="views: expected one of 1, 2, 6, got 3"):
        evaluate(model, test, normalise, views=3)
    with pytest.raises(ValueError, match="has 3 outputs, but there are 10 classes"):
        evaluate(net(in_channels=1), data.load("digits", "test"))


def test_divergence_stops_and_keeps_the_evidence(tiny, recipe, tmp_path):
    run = fit(net(norm="none"), *tiny, recipe.changed(lr=1e12, clip=1e30), out=tmp_path)
    assert run.status == "diverged"
    assert "the first layer whose output is not finite is" in run.reason
    assert "--lr" in run.reason
    evidence = load_file(tmp_path / "diverged.safetensors")
    record = json.loads((tmp_path / "diverged.json").read_text(encoding="utf-8"))
    assert record["iteration"] == run.iteration
    first = next(r["layer"] for r in record["layers"] if not np.isfinite(r["output"]))
    assert record["first"].endswith(first)
    fresh = net(norm="none")
    fresh.load_state_dict({k[4:]: v for k, v in evidence.items() if k.startswith("net.")})
    with np.errstate(all="ignore"):
        assert not np.isfinite(fresh(Tensor(evidence["batch.x"])).data).all()
    assert not (tmp_path / "model.safetensors").exists()


class Chancy(nn.Module):
    """A net that is finite or not by a generator of its own."""

    def __init__(self):
        super().__init__()
        self.body, self.own = net(), np.random.default_rng(0)

    def forward(self, x):
        return self.body(x) * (np.float32("inf") if self.own.random() < 0.2 else np.float32(1))


def test_the_step_that_diverged_is_run_again_with_the_same_draws(tiny, recipe):
    chancy = Chancy()
    run = fit(chancy, *tiny, recipe)
    assert run.status == "diverged"
    assert "the loss is not" in run.reason
    again = np.random.default_rng(0)
    again.random(run.iteration)  # as many steps as there were before it
    assert chancy.own.random() == again.random()


class SteepAtZero(nn.Module):
    """√(x - x): 0 everywhere, with a gradient that is not finite."""

    def forward(self, x):
        return x + (x - x).sqrt()


def test_a_gradient_that_is_not_finite_reaches_no_weight(tiny, recipe, tmp_path):
    model = net()
    model.layer2 = nn.Sequential(model.layer2, SteepAtZero())
    before = model.state_dict()
    run = fit(model, *tiny, recipe, out=tmp_path)
    assert (run.status, run.iteration) == ("diverged", 0)
    assert "a gradient is not finite: going back from the loss" in run.reason
    after = run.net.state_dict()
    assert all(np.array_equal(before[k], after[k]) for k in before)


def test_a_log_that_cannot_be_written_is_told_and_the_training_goes_on(tiny, recipe, tmp_path):
    (tmp_path / "metrics.csv").mkdir(parents=True)
    words = Words()
    habits = Habits(checkpoint_every=5, listeners=[words])
    run = fit(net(), *tiny, recipe, out=tmp_path, habits=habits)
    assert sum("going on: its rows are in the checkpoint" in text for text in words.said) == 1
    assert (run.status, run.iteration) == ("failed", 30)
    assert "then --resume writes it" in run.reason
    (tmp_path / "metrics.csv").rmdir()
    again = fit(net(), *tiny, recipe, out=tmp_path, resume=True)
    assert again.status == "finished"
    assert same(again.net, run.net)
    assert len(read_metrics(tmp_path / "metrics.csv")) == len(run.rows)


def test_a_full_disk_stops_with_the_last_checkpoint(tiny, recipe, tmp_path, monkeypatch):
    habits = Habits(checkpoint_every=5)
    saves = []
    sync = os.fsync

    def fsync(handle):
        saves.append(1)
        if len(saves) > 4:  # two of each checkpoint: the file, the folder
            raise OSError(28, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    run = fit(net(), *tiny, recipe, out=tmp_path, habits=habits)
    assert (run.status, run.iteration) == ("failed", 15)
    assert "(the disk is full)" in run.reason
    assert "the last one is intact" in run.reason
    assert checkpoint.load(tmp_path / checkpoint.NAME)["iteration"] == 10


def test_one_process_in_a_folder(tiny, recipe, tmp_path):
    with Folder(tmp_path), pytest.raises(OSError, match=f"process {os.getpid()}.*is training into"):
        fit(net(), *tiny, recipe, out=tmp_path)
    with Folder(tmp_path):
        pass  # what is left of the lock locks nobody out


def test_runs_are_not_overwritten(tiny, recipe, tmp_path):
    fit(net(), *tiny, recipe, out=tmp_path, habits=Habits(listeners=[StopAt(4)]))
    with pytest.raises(FileExistsError, match="has not finished; go on with it by --resume"):
        fit(net(), *tiny, recipe, out=tmp_path)
    fit(net(), *tiny, recipe, out=tmp_path, resume=True)
    before = (tmp_path / "model.safetensors").read_bytes()
    with pytest.raises(FileExistsError, match="finished run"):
        fit(net(), *tiny, recipe, out=tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    with pytest.raises(ValueError, match="batch_size"):
        fit(net(), *tiny, recipe.changed(batch_size=1000), out=tmp_path, force=True)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    stopped = Habits(listeners=[StopAt(4)])
    fit(net(1), *tiny, recipe, out=tmp_path, force=True, seed=1, habits=stopped)
    assert not (tmp_path / "model.safetensors").exists()  # the old one is not this run's
    run = fit(net(1), *tiny, recipe, out=tmp_path, force=True, seed=1)
    assert run.status == "finished"
    assert (tmp_path / "model.safetensors").read_bytes() != before


def test_a_time_budget_is_kept(tiny):
    recipe = Recipe(batch_size=16, minutes=0.01, pad=1, schedule="linear")
    run = fit(net(), *tiny, recipe)
    assert run.status == "finished"
    assert 0.6 <= run.seconds < 10
    assert run.iteration > 1


def test_what_cannot_be_trained_is_refused(tiny, recipe, tmp_path):
    with pytest.raises(ValueError, match="batch_size: 128 is more than the 100 training images"):
        fit(net(), *tiny, recipe.changed(batch_size=128))
    with pytest.raises(ValueError, match="there is no recipe 'x'"):
        fit(net(), *tiny, "x")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="is a file; name another folder"):
        fit(net(), *tiny, recipe, out=tmp_path / "file" / "out")


def test_a_file_that_is_no_model_is_told(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="the run has not finished"):
        load_trained(tmp_path)
    with pytest.raises(FileNotFoundError, match="name a run's folder"):
        load_trained(tmp_path / "no")
    weights.save(tmp_path / "w.safetensors", net())
    with pytest.raises(ValueError, match="not a model of `minires train`"):
        load_trained(tmp_path / "w.safetensors")
    weights.save(tmp_path / "v.safetensors", net(), {"kind": "minires model", "model": "resnet20"})
    with pytest.raises(ValueError, match="incomplete"):
        load_trained(tmp_path / "v.safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        load_trained(tmp_path)


def test_data_of_the_same_name_are_told_apart():
    from minires.train.identity import differences, fingerprint

    one, other = fingerprint(images(100, "train")), fingerprint(images(100, "train", 1))
    assert differences(one, one) == []
    (line,) = differences(one, other)
    assert line.startswith("sample: ")

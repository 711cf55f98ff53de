"""The training loop does what one writes by hand, and says when it diverges."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import data, models, optim
from minires.record import Recorder
from minires.train import train


@pytest.fixture(scope="module")
def batches():
    x, y = data.synthetic_images(96, seed=1)
    loader = data.DataLoader(x.reshape(96, -1), y, batch_size=32, seed=1)
    return [batch for _ in range(2) for batch in loader]


def make(lr=0.05):
    net = models.mlp_stack(4, 16, skip="identity", norm="bn", in_features=64, seed=0)
    sgd = optim.SGD(net.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
    return net, sgd, optim.lr_scheduler.MultiStepLR(sgd, [2, 4])


def by_hand(batches):
    net, sgd, schedule = make()
    losses, errors = [], []
    for x, y in batches:
        sgd.zero_grad()
        logits = net(mr.tensor(x))
        loss = F.cross_entropy(logits, y)
        loss.backward()
        sgd.step()
        schedule.step()
        losses.append(loss.item())
        errors.append((logits.data.argmax(axis=1) != y).sum())
    return net, losses, errors


def test_the_loop_takes_the_steps_that_one_writes_by_hand_also_when_watched(batches):
    net, losses, errors = by_hand(batches)
    for watched in (False, True):
        same, sgd, schedule = make()
        recorders = {1: Recorder(same), 3: Recorder(same)} if watched else {}
        steps = list(train(same, sgd, batches, schedule=schedule, watch=recorders.get))
        assert [s.index for s in steps] == list(range(6))
        assert [s.loss for s in steps] == losses
        assert [s.errors for s in steps] == errors
        assert not any(s.diverged for s in steps)
        for p, q in zip(net.parameters(), same.parameters(), strict=True):
            assert np.array_equal(p.data, q.data)
        for recorder in recorders.values():
            assert all(layer.update_ratio > 0 for layer in recorder.layers)


def test_the_caller_may_stop_and_no_further_step_is_taken(batches):
    net, sgd, _ = make()
    for step in train(net, sgd, batches):
        before = net.state_dict()
        if step.index == 1:
            break
    assert all(np.array_equal(before[k], v) for k, v in net.state_dict().items())


def test_divergence_ends_the_training_before_it_reaches_the_weights(batches):
    net, sgd, schedule = make()
    x, y = batches[0]
    bad = [batches[0], (np.full_like(x, np.inf), y), batches[1]]
    states = []
    steps = []
    for step in train(net, sgd, bad, schedule=schedule):
        steps.append(step)
        states.append([p.data.copy() for p in net.parameters()])
    assert [s.diverged for s in steps] == [False, True]
    assert np.isnan(steps[1].loss)
    assert schedule.t == 1
    assert all(np.array_equal(a, b) for a, b in zip(*states, strict=True))


class Counting(list):
    """A watcher that is false, being empty, when it is asked."""

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.append("left")

    def measure_update(self, step):
        self.append("update")
        step()


def test_a_watcher_may_be_false(batches):
    net, sgd, _ = make()
    watcher = Counting()
    next(train(net, sgd, batches, watch=lambda _: watcher))
    assert watcher == ["left", "update"]

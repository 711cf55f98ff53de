"""`Replay`: the bits of the net, from recorded calls; and the net itself wherever it must be."""

import numpy as np
import pytest

import minires.functional as F
from minires import Tensor, models, nn, no_grad, optim
from minires.experiments.record import Recorder
from minires.replay import Replay
from minires.train import loop

RNG = np.random.default_rng(0)
X = RNG.standard_normal((3, 12, 8)).astype(np.float32)  # three batches
Y = RNG.integers(0, 10, (3, 12))


def stack(**options):
    return models.mlp_stack(4, 8, **({"skip": "identity", "norm": "bn"} | options), seed=0)


class Counted(nn.Module):
    """A net that counts how often its Python runs."""

    def __init__(self, net):
        super().__init__()
        self.net, self.runs = net, 0

    def forward(self, x):
        self.runs += 1
        return self.net(x)


def trained(net, replay, steps=6, **options):
    """Return the losses, and all parameters and buffers after some steps."""
    sgd = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    batches = [(X[i % 3], Y[i % 3]) for i in range(steps)]
    losses = [step.loss for step in loop.train(net, sgd, batches, replay=replay, **options)]
    return losses, net.state_dict()


@pytest.mark.parametrize(
    "options",
    [
        {"skip": "none", "norm": "none", "activation": "tanh"},
        {"norm": "bn"},
        {"skip": "preact", "norm": "ln"},
        {"branch_scale": "skipinit"},
        {"shortcut": "C"},
        {"activation": "gelu", "branch_scale": 0.5},
    ],
    ids=str,
)
def test_a_replayed_training_has_the_bits_of_the_net(options):
    losses, state = trained(stack(**options), False)
    net = Counted(stack(**options))
    again, replayed = trained(net, True)
    assert net.runs == 1
    assert again == losses
    for name, values in state.items():
        np.testing.assert_array_equal(replayed[f"net.{name}"], values, err_msg=name)


def test_a_convolutional_net_is_replayed_with_its_bits():
    x, y = RNG.standard_normal((4, 1, 8, 8)).astype(np.float32), Y[0, :4]

    def gradients(replay):
        net = models.resnet(8, width=4, in_channels=1, seed=0)
        forward = Replay(net) if replay else net
        for _ in range(2):
            net.zero_grad()
            F.cross_entropy(forward(Tensor(x)), y).backward()
        return [p.grad for p in net.parameters()] + list(net.buffers())

    for ours, theirs in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_layers_are_recorded_as_they_run_where_nobody_looks():
    forward = Replay(stack())
    forward(Tensor(X[0]))
    (recording,) = forward._found.values()
    names = [call.function.__name__ for call in recording.calls]
    assert names == ["LinearNormReLU"] * 4 + ["Linear"]


class Doubled(nn.Module):
    """Draws an array at each call."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 10)

    def forward(self, x):
        return self.linear(x) + Tensor(np.ones((1, 10), np.float32))


@pytest.mark.parametrize(
    ("net", "why"),
    [
        (nn.Sequential(nn.Linear(8, 10), nn.Dropout(0.5)), "made within the call"),
        (Doubled(), "made within the call"),
        (nn.Sequential(nn.Linear(8, 10), nn.BatchNorm1d(10, momentum=None)), "without momentum"),
        (stack(survival=0.5), "stochastic depth"),
    ],
    ids=["dropout", "an array of its own", "average over all batches", "stochastic depth"],
)
def test_what_differs_from_call_to_call_is_refused_and_runs_as_ever(net, why):
    counted = Counted(net)
    forward = Replay(counted)
    for _ in range(3):
        forward(Tensor(X[0]))
    assert counted.runs == 3
    assert why in forward.refused


def test_the_net_itself_runs_wherever_somebody_looks_on():
    net = Counted(stack())
    forward = Replay(net)
    forward(Tensor(X[0]))
    with no_grad():
        forward(Tensor(X[0]))
    net.eval()
    forward(Tensor(X[0]))
    net.train()
    assert net.runs == 3
    shown = []
    with net.net.head.register_forward_hook(lambda *_: shown.append(1)):
        forward(Tensor(X[0]))
    assert (net.runs, len(shown)) == (4, 1)
    recorder = Recorder(net.net)
    with recorder:
        F.cross_entropy(forward(Tensor(X[0])), Y[0]).backward()
    assert net.runs == 5
    assert len(recorder.layers) > 4
    forward(Tensor(X[0], requires_grad=True))
    assert net.runs == 6
    forward(Tensor(X[0]))
    assert net.runs == 6


def test_another_shape_a_frozen_parameter_or_no_fusion_are_looked_at_anew():
    net = Counted(stack())
    forward = Replay(net)

    def step(n):
        net.zero_grad()
        F.cross_entropy(forward(Tensor(X[0, :n])), Y[0, :n]).backward()
        return net.runs

    assert [step(12), step(12), step(6), step(6)] == [1, 1, 2, 2]
    net.net.head.requires_grad_(False)
    assert [step(6), step(6)] == [3, 3]
    assert net.net.head.weight.grad is None
    with nn.use_fusion(False):
        assert [step(6), step(6)] == [4, 4]


def test_several_calls_wait_for_one_backward_pass_and_hooks_see_the_gradients():
    def gradients(replay):
        net = stack(norm="none", activation="gelu", branch_scale=0.5)
        forward = Replay(net) if replay else net
        seen = []
        net.head.weight.register_hook(lambda g: seen.append(g.copy()))
        losses = [F.cross_entropy(forward(Tensor(x)), y) for x, y in zip(X, Y, strict=True)]
        (losses[0] + losses[1] + losses[2]).backward()
        assert len(seen) == 1
        assert not replay or forward.refused == ""
        return seen + [p.grad for p in net.parameters()]

    for ours, theirs in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_an_update_in_place_before_backward_is_noticed():
    net = stack()
    forward = Replay(net)
    forward(Tensor(X[0]))
    loss = F.cross_entropy(forward(Tensor(X[0])), Y[0])
    net.head.weight.update_(net.head.weight.data * 2)
    with pytest.raises(RuntimeError, match="updated in place"):
        loss.backward()

"""Stochastic depth: what is left out, how often, from which seed; what evaluation makes of it."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models, record

ORDERS = ("original", "bn-after-add", "relu-before-add", "relu-preact", "preact")


def images(n=4, size=8, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, 3, size, size))
    return mr.tensor(x.astype(np.float32))


def entered(net):
    """Count the calls of every residual block's branch."""
    calls = {name: 0 for name, m in net.named_modules() if getattr(m, "skip", None)}
    for name in calls:

        def count(_module, _inputs, name=name):
            calls[name] += 1

        net.get_submodule(name).entry.register_forward_pre_hook(count)
    return calls


def test_probabilities_fall_in_a_line_and_half_gives_the_papers_expected_depth():
    assert models.survival_probabilities(4, 0.5) == [0.875, 0.75, 0.625, 0.5]
    assert models.expected_depth(54) == pytest.approx(40.25, abs=1e-12)
    assert models.expected_depth(54, 1) == 54
    net = models.resnet110(width=1, survival=0.5)
    blocks = [b for stage in (net.layer1, net.layer2, net.layer3) for b in stage]
    assert [b.survival for b in blocks] == models.survival_probabilities(54)


@pytest.mark.parametrize("order", ORDERS)
def test_a_dropped_branch_leaves_the_shortcut_and_what_follows_the_addition(order):
    net = models.resnet(8, width=4, order=order, survival=0.5, seed=0)
    block, x = net.layer2[0], images().data[:, :1].repeat(4, 1) - 0.3
    block.survival = 1e-9
    y, shortcut = block(mr.tensor(x)).data, block.shortcut(mr.tensor(x))
    if order == "bn-after-add":
        expected = np.maximum(block.bn2(shortcut).data, 0)
    else:
        expected = np.maximum(shortcut.data, 0) if order == "original" else shortcut.data
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("scale", [1.0, 0.5, "skipinit"])
def test_evaluation_is_the_expectation_over_training(shared, scale):
    net = models.resnet(
        8, width=2, order="preact", shared_act=shared, branch_scale=scale, survival=0.3, seed=1
    )
    block, x = net.layer2[0].double(), np.random.default_rng(0).standard_normal((3, 2, 6, 6))
    if scale == "skipinit":
        block.alpha.update_(np.array(0.7))
    for norm in (block.bn1, block.bn2):
        norm.eval()  # the running statistics, so that training and evaluation differ in one thing
    block.survival = 0.3
    block.training = True
    with mr.random.using(np.random.default_rng(0)):
        ys = np.stack([block(mr.tensor(x)).data for _ in range(300)])
    kinds = np.unique(ys.reshape(300, -1), axis=0)
    assert len(kinds) == 2  # with and without the branch
    there = np.any(ys != block.without_branch(mr.tensor(x)).data, axis=(1, 2, 3, 4))
    assert 0.2 < there.mean() < 0.4
    full, without = ys[there][0], ys[~there][0]
    block.training = False
    np.testing.assert_allclose(
        block(mr.tensor(x)).data, without + 0.3 * (full - without), rtol=1e-12, atol=1e-14
    )


def test_the_original_order_scales_the_branch_before_its_last_relu():
    block = models.resnet(8, width=2, survival=0.5, seed=0).layer3[0].eval()
    assert block.survival == 0.5
    x = mr.tensor(np.random.default_rng(0).standard_normal((2, 4, 6, 6)).astype(np.float32))
    branch = block.bn2(block.conv2(block.act1(block.bn1(block.conv1(x)))))
    expected = np.maximum(0.5 * branch.data + block.shortcut(x).data, 0)
    np.testing.assert_allclose(block(x).data, expected, rtol=1e-5, atol=1e-6)


def test_how_often_branches_run_is_what_was_asked_for():
    net = models.resnet(20, width=1, survival=0.5, seed=0)
    calls, batches = entered(net), 100
    with mr.random.using(np.random.default_rng(3)), mr.no_grad():
        for _ in range(batches):
            net(images(2, 4))
    p = np.array(models.survival_probabilities(9))
    deviation = np.abs(np.array(list(calls.values())) / batches - p)
    assert (deviation < 4 * np.sqrt(p * (1 - p) / batches)).all()


def test_dropped_branches_are_not_computed():
    """As many operations are saved as branches: the others do not run, forward or backward."""
    counted = []
    for survival in (1.0, 0.5):
        net = models.resnet(56, width=2, survival=survival, seed=0)
        with mr.random.using(np.random.default_rng(0)), mr.watching(mr.FlopCounter()) as counter:
            for _ in range(8):
                net(images(1)).sum().backward()
        counted.append((counter.forward["Conv2d"], counter.backward["Conv2d"]))
    expected = models.expected_depth(27) / 27  # 0.7593
    for before, after in zip(*counted, strict=True):
        assert after / before == pytest.approx(expected, abs=0.06)


def test_what_a_batch_dropped_has_no_gradient_and_no_new_statistics():
    net = models.resnet(8, width=2, survival=0.5, seed=0)
    net.layer3[0].survival = 1e-9
    net(images()).sum().backward()
    block = net.layer3[0]
    assert all(p.grad is None for p in block.parameters())
    assert all(p.grad is not None for p in net.fc.parameters())
    assert int(block.bn1.num_batches_tracked) == 0
    optimizer = mr.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    before = block.conv1.weight.data.copy()
    optimizer.step()
    assert np.array_equal(block.conv1.weight.data, before)


def test_choices_follow_the_default_generator_and_go_on_from_its_state():
    def losses(net, steps):
        return [float(F.cross_entropy(net(images()), np.arange(4)).data) for _ in range(steps)]

    mr.manual_seed(5)
    net = models.resnet(20, width=2, survival=0.2, seed=0)
    first = losses(net, 6)
    mr.manual_seed(5)
    again = models.resnet(20, width=2, survival=0.2, seed=0)
    assert losses(again, 3) == first[:3]
    state = mr.random.get_rng_state()
    mr.manual_seed(99)
    mr.random.set_rng_state(state)
    assert losses(again, 3) == first[3:]
    mr.manual_seed(6)
    assert losses(models.resnet(20, width=2, survival=0.2, seed=0), 6) != first


def test_a_net_of_one_seed_starts_alike_and_draws_nothing_without_it():
    with_it, without = (models.resnet(8, width=2, seed=3, survival=p) for p in (0.5, 1.0))
    for (_, p), (_, q) in zip(with_it.named_parameters(), without.named_parameters(), strict=True):
        assert np.array_equal(p.data, q.data)
    mr.manual_seed(0)
    before = mr.random.get_rng_state()
    without(images())
    with_it.eval()(images())
    assert mr.random.get_rng_state() == before


def test_it_can_be_switched_on_and_off_later_and_in_every_residual_net():
    for net in (
        models.mlp_stack(8, 4, "identity", survival=0.5),
        models.resnet18(width=1, survival=0.5),
        models.preact_resnet164(width=1, survival=0.5),
        models.resnet(8, width=2, shortcut="exclusive", survival=0.5),
    ):
        last = [m for m in net.modules() if getattr(m, "skip", None)][-1]
        assert last.survival == 0.5
        models.stochastic_depth(net, 1)
        assert last.survival == 1
    mr.manual_seed(1)
    models.stochastic_depth(net, 1e-9)
    with mr.no_grad():
        assert np.isfinite(net(images()).data).all()


def test_a_recorder_sees_the_layers_that_ran():
    net = models.resnet(20, width=2, survival=0.1, seed=0)
    calls = entered(net)
    with mr.random.using(np.random.default_rng(2)), record.Recorder(net) as recorder:
        F.cross_entropy(net(images()), np.arange(4)).backward()
    ran = sum(calls.values())
    assert 0 < ran < 9
    assert len(recorder.layers) == 2 + 2 * ran
    assert sum(bool(b.branch_norm) for b in recorder.blocks) == ran


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: models.resnet20(survival=0), ValueError, "probability above 0, got 0.0"),
        (lambda: models.resnet20(survival=1.1), ValueError, "probability above 0, got 1.1"),
        (lambda: models.resnet20(survival=float("nan")), ValueError, "survival"),
        (lambda: models.resnet20(survival="half"), TypeError, "survival"),
        (lambda: models.plain20(survival=0.5), ValueError, "plain net has no branches"),
        (lambda: models.mlp_stack(4, 4, survival=0.5), ValueError, "plain net"),
        (lambda: models.stochastic_depth(mr.nn.Linear(1, 1)), ValueError, "no residual blocks"),
        (lambda: models.stochastic_depth(None), TypeError, "expected a Module"),
        (lambda: models.expected_depth(0), ValueError, "blocks"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()

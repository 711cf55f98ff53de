"""Layer and group norm in the nets of experiments, and He init for each of their activations."""

import numpy as np
import pytest

import minires as mr
from minires import gradcheck, models, nn


@pytest.mark.parametrize(
    "net",
    [
        models.mlp_stack(4, 6, "preact", "ln", "gelu", shortcut="C", seed=0),
        models.resnet(8, width=2, in_channels=1, norm="ln", shortcut="B", seed=0),
        models.mlp_stack(4, 48, "identity", "gn", "tanh", seed=0),
        models.resnet(8, width=16, in_channels=1, norm="gn", seed=0),
    ],
    ids=["mlp", "conv", "mlp in groups", "conv in groups"],
)
def test_a_sample_is_normalised_by_itself(net):
    shape = (5, 1, 8, 8)
    if isinstance(net, models.mlp.MLPStack):
        shape = (5, net.head.weight.shape[1])
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    together = net(mr.tensor(x)).data
    alone = np.concatenate([net(mr.tensor(x[i : i + 1])).data for i in range(5)])
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in net.modules())
    if x.ndim == 2:
        assert gradcheck(net.double(), x[:2].astype(np.float64), max_elements=100).ok


def test_groups_have_16_channels_or_so_many_more_as_divide_them():
    assert [models.norms.groups_of(n) for n in (3, 8, 16, 24, 32, 56, 64, 128)] == [
        1, 1, 1, 1, 2, 2, 4, 8,
    ]  # fmt: skip
    norms = [
        m for m in models.resnet(8, width=16, norm="gn").modules() if isinstance(m, nn.GroupNorm)
    ]
    assert {(m.num_groups, m.num_channels) for m in norms} == {(1, 16), (2, 32), (4, 64)}


def test_nets_with_batch_norm_and_with_layer_norm_start_alike():
    bn, ln = (
        models.resnet(8, width=4, in_channels=1, norm=norm, shortcut="B", init="default", seed=3)
        for norm in ("bn", "ln")
    )
    kept = ln.state_dict()
    common = [(v, kept[k]) for k, v in bn.state_dict().items() if k in kept and v.ndim > 1]
    assert len(common) == 10  # 7 + 2 projections + the head
    assert all((a == b).all() for a, b in common)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu", "silu", "tanh"])
def test_he_init_keeps_the_second_moment_through_relus_relatives(activation):
    net = models.mlp_stack(1, 1024, activation=activation, seed=0)
    z = np.random.default_rng(0).standard_normal((256, 1024)).astype(np.float32)
    act = models.blocks.ACTIVATIONS[activation]()
    linear = net.body[0][0]
    kept = float((linear(act(mr.tensor(z))).data ** 2).mean())
    # He et al.'s own 2 / fan_in where there is no gain of its own: tanh loses more
    expected = 2 * float(np.mean(np.tanh(z) ** 2)) if activation == "tanh" else 1.0
    assert kept == pytest.approx(expected, rel=0.02)


def test_the_denoiser_has_no_layer_norm():
    with pytest.raises(ValueError, match="none, bn, got 'ln'"):
        models.vdsr(3, norm="ln")

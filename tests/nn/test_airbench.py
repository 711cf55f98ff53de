"""The net made for speed, and filters that whiten patches."""

import numpy as np
import pytest

import minires as mr
import minires.functional as F
from minires import models


def patches_of(images, k):
    """All k×k patches as rows, by a plain loop."""
    _, _, h, w = images.shape
    rows = [
        images[:, :, i : i + k, j : j + k].reshape(len(images), -1)
        for i in range(h - k + 1)
        for j in range(w - k + 1)
    ]
    return np.concatenate(rows)


def smooth_images(n=64, channels=3, size=9):
    x = np.random.default_rng(0).standard_normal((n, channels, size, size))
    x[:, :, 1:] += x[:, :, :-1]
    x[:, :, :, 1:] += 2 * x[:, :, :, :-1]
    x[:, 1:] += x[:, :-1]
    return x


def test_the_filters_whiten_the_patches():
    x = smooth_images()
    filters = models.whitening_filters(x, 2, eps=0.0)
    assert filters.shape == (24, 3, 2, 2)
    assert np.array_equal(filters[12:], -filters[:12])
    p = patches_of(x, 2)
    white = p @ filters[:12].reshape(12, -1).T
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(12), atol=1e-9)
    convolved = F.conv2d(mr.tensor(x), mr.tensor(filters)).data
    np.testing.assert_allclose((convolved[:, :12] ** 2).mean((0, 2, 3)), 1, rtol=1e-9)
    sizes = np.linalg.norm(filters[:12].reshape(12, -1), axis=1)
    assert (np.diff(sizes) > 0).all()  # the strongest direction first


def test_eps_keeps_empty_directions_small():
    x = np.zeros((8, 1, 5, 5), np.float32)
    x[:, :, ::2] = 1.0
    filters = models.whitening_filters(x, eps=0.01)
    assert filters.dtype == np.float32
    assert np.abs(filters).max() <= 10


def test_published_sizes():
    net = models.airbench94(seed=0)
    assert sum(p.size for p in net.parameters()) == 1_972_792
    fixed = {name for name, p in net.named_parameters() if not p.requires_grad}
    norms = {f"group{i}.norm{j}.weight" for i in (1, 2, 3) for j in (1, 2)}
    assert fixed == norms | {"whiten.weight"}
    sizes = []
    for part in (net.whiten, net.group1, net.group2, net.group3):
        part.register_forward_hook(lambda _m, _x, y: sizes.append(y.shape[1:]))
    with mr.no_grad():
        assert net(mr.tensor(np.zeros((2, 3, 32, 32), np.float32))).shape == (2, 10)
    assert sizes == [(24, 31, 31), (64, 15, 15), (256, 7, 7), (256, 3, 3)]


def test_convolutions_start_as_the_identity_in_their_first_channels():
    net = models.airbench94(width=4, seed=0)
    x = np.abs(np.random.default_rng(0).standard_normal((1, 4, 6, 6))).astype(np.float32)
    with mr.no_grad():
        assert np.array_equal(net.group1.conv2(mr.tensor(x)).data, x)
        wide = net.group2.conv1(mr.tensor(x)).data
    assert np.array_equal(wide[:, :4], x)
    assert net.group2.conv1.weight.data[4:].std() > 0.01
    assert not net.whiten.bias.data.any()


def test_it_is_whitened_and_learns_all_but_its_fixed_weights():
    x = smooth_images(32, size=20).astype(np.float32)
    net = models.airbench94(width=4, num_classes=3, seed=1)
    net.whiten_(x)
    np.testing.assert_array_equal(net.whiten.weight.data, models.whitening_filters(x))
    optimizer = mr.optim.SGD(net.parameters(), lr=0.3, momentum=0.85, nesterov=True)
    before, losses, target = net.whiten.weight.data.copy(), [], np.arange(32) % 3
    for _ in range(10):
        loss = F.cross_entropy(net(mr.tensor(x)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0], losses
    assert np.array_equal(net.whiten.weight.data, before)
    assert np.array_equal(net.group1.norm1.weight.data, np.ones(4))


def test_gradients_of_a_group():
    with mr.random.using(np.random.default_rng(0)):
        group = models.airbench94(width=2).group1.double()
    group.conv1 = mr.nn.Conv2d(2, 2, 3, padding=1, bias=False).double()
    report = mr.gradcheck(group, np.random.default_rng(1).standard_normal((2, 2, 4, 4)))
    assert report.ok, report


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: models.airbench94(width=0), ValueError, "width"),
        (lambda: models.airbench94(num_classes="ten"), TypeError, "num_classes"),
        (lambda: models.whitening_filters(np.ones((3, 8, 8))), ValueError, "N, C, H, W"),
        (lambda: models.whitening_filters(np.ones((0, 3, 8, 8))), ValueError, "N, C, H, W"),
        (lambda: models.whitening_filters(np.ones((1, 3, 1, 8))), ValueError, "at least 2×2"),
        (lambda: models.whitening_filters(np.full((1, 1, 4, 4), np.nan)), ValueError, "finite"),
        (lambda: models.whitening_filters(np.ones((1, 1, 4, 4), int)), TypeError, "images"),
        (lambda: models.whitening_filters(np.ones((1, 1, 4, 4)), eps=-1), ValueError, "eps"),
        (
            lambda: models.airbench94(width=1).whiten_(np.ones((1, 1, 4, 4))),
            ValueError,
            "3 channels",
        ),
    ],
    ids=range(9),
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()

"""Rounding of the fast kernels in whole nets: beside PyTorch's, and over 200 training steps."""

import numpy as np
import pytest

import minires.functional as F
from minires import data, models, optim, tensor, use_versions

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
torch_nets = pytest.importorskip("benchmarks.torch_models")


def ours(x, target, seed, **versions):
    """Return the gradient of every parameter of a ResNet-20, computed in x's dtype."""
    net = models.resnet20(seed=seed)
    for m in net.modules():
        for p in m._parameters.values():
            if p is not None:
                p.data = p.data.astype(x.dtype)
        for name, a in m._buffers.items():
            if a is not None and a.dtype.kind == "f":
                m._buffers[name] = a.astype(x.dtype)
    with use_versions(**versions):
        F.cross_entropy(net(tensor(x)), target).backward()
    return {name: p.grad for name, p in net.named_parameters()}


def theirs(x, target, seed):
    """Return the gradients of PyTorch's twin with the same weights, channels_last."""
    net = torch_nets.build(models.resnet20(seed=seed), "cifar")
    net = net.to(memory_format=torch.channels_last)
    images = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
    torch.nn.functional.cross_entropy(net(images), torch.from_numpy(target)).backward()
    return {name: p.grad.numpy() for name, p in net.named_parameters()}


def worst(gradients, exact):
    """Return the largest relative error of a parameter tensor's gradient, in the Euclidean norm."""
    return max(
        float(np.linalg.norm(g - exact[name]) / np.linalg.norm(exact[name]))
        for name, g in gradients.items()
    )


@pytest.mark.slow
def test_a_whole_net_rounds_no_more_than_pytorch():
    errors = {"v3": [], "v4": [], "PyTorch channels_last": []}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((128, 3, 32, 32), dtype=np.float32)
        target = rng.integers(0, 10, 128)
        exact = ours(x.astype(np.float64), target, seed)
        errors["v3"].append(worst(ours(x, target, seed, conv2d=3), exact))
        errors["v4"].append(worst(ours(x, target, seed), exact))
        errors["PyTorch channels_last"].append(worst(theirs(x, target, seed), exact))
    for name, found in errors.items():
        text = f"median {np.median(found):.1e} ({min(found):.1e} to {max(found):.1e})"
        print(f"worst layer's relative gradient error, {name}: {text}")
    medians = {name: np.median(found) for name, found in errors.items()}
    assert medians["v4"] <= 1.5 * medians["PyTorch channels_last"]
    assert medians["v3"] <= medians["v4"]


def curve(seed, version, steps=200):
    """Return the loss of each of 200 training steps."""
    x, y = data.synthetic_images(640, size=16, channels=3, noise=1.5, seed=seed)
    net = models.resnet(8, width=8, seed=seed)
    sgd = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    losses = []
    with use_versions(conv2d=version):
        for step in range(steps):
            batch = slice(step % 10 * 64, step % 10 * 64 + 64)
            loss = F.cross_entropy(net(tensor(x[batch])), y[batch])
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            losses.append(loss.item())
    return np.array(losses)


@pytest.mark.slow
def test_training_curves_of_two_versions_agree_within_the_spread_over_seeds():
    """Rounding sets trajectories apart, but no further than another seed does."""
    found = {v: np.array([curve(seed, v) for seed in range(5)]) for v in (2, 4)}
    smooth = {v: c.reshape(5, 10, 20).mean(axis=2) for v, c in found.items()}  # means of 20 steps
    between_versions = np.abs(smooth[2] - smooth[4])
    between_seeds = smooth[2].std(axis=0, ddof=1)
    print("mean loss of each 20 steps, v2:", smooth[2].mean(axis=0).round(3))
    print("mean loss of each 20 steps, v4:", smooth[4].mean(axis=0).round(3))
    print("standard deviation over seeds:", between_seeds.round(3))
    print("mean difference of the versions:", between_versions.mean(axis=0).round(4))
    assert found[4][:, -20:].mean() < 0.7 * found[4][:, :20].mean(), "the nets should learn"
    assert (between_versions.mean(axis=0) <= between_seeds).all()

"""The nets of the family at small sizes, and what is compared of them with PyTorch.

Weights, images and labels follow from names and places by integer arithmetic (`numbers`), so that
NumPy and PyTorch have the same on any machine and none need be stored.
"""

import zlib
from typing import NamedTuple

import numpy as np

import minires as mr
import minires.functional as F
from minires import models


class Case(NamedTuple):
    net: str  # its name in models.registry
    options: dict
    size: int  # of the images
    slow: bool = False
    gain: float = 1.0  # of the last layer of each branch
    tolerance: float = 1e-10  # of a float64 training step: plain nets amplify rounding
    batch: int = 4


def cifar(net, width=4, size=16, slow=False, gain=1.0, tolerance=1e-10, **options):
    return Case(net, {"width": width, **options}, size, slow, gain, tolerance)


def imagenet(net, size=64, slow=False, **options):
    return Case(net, {"width": 4, "num_classes": 10, **options}, size, slow)


PRE = {"order": "preact"}
CIFAR = {
    "resnet20": cifar("resnet20", width=8),
    "plain20": cifar("plain20", width=8),
    "resnet20 B": cifar("resnet20", shortcut="B"),
    "resnet20 C": cifar("resnet20", shortcut="C"),
    "resnet20 bottleneck": cifar("resnet20", block="bottleneck", shortcut="B"),
    "resnet20 1/sqrt(blocks)": cifar("resnet20", branch_scale="1/sqrt(blocks)"),
    "resnet32": cifar("resnet32"),
    "plain32": cifar("plain32", slow=True),
    "resnet44": cifar("resnet44", slow=True),
    "plain44": cifar("plain44", slow=True),
    "resnet56": cifar("resnet56"),
    "plain56": cifar("plain56", slow=True, tolerance=1e-8),
    "resnet110": cifar("resnet110", slow=True, gain=0.5),
    "plain110": cifar("plain110", slow=True, tolerance=1e-5),
    "resnet1202": cifar("resnet1202", width=2, size=8, slow=True, gain=0.1),
}
PREACT = {
    "resnet20 bn-after-add": cifar("resnet20", order="bn-after-add"),
    "resnet20 relu-before-add": cifar("resnet20", order="relu-before-add"),
    "resnet20 relu-preact": cifar("resnet20", order="relu-preact"),
    "resnet20 preact": cifar("resnet20", **PRE),
    "plain20 preact": cifar("plain20", **PRE),
    "resnet20 preact B": cifar("resnet20", **PRE, shortcut="B"),
    "resnet110 preact": cifar("resnet110", **PRE, slow=True, gain=0.5),
}
IMAGENET = {
    "resnet18": imagenet("resnet18"),
    "resnet18 odd": imagenet("resnet18", size=45),
    "resnet18 A": imagenet("resnet18", shortcut="A"),
    "resnet18 C": imagenet("resnet18", shortcut="C"),
    "plain18": imagenet("plain18"),
    "resnet34": imagenet("resnet34"),
    "plain34": imagenet("plain34", slow=True),
    "resnet50": imagenet("resnet50"),
    "resnet50 1x1": imagenet("resnet50", stride_in="1x1", slow=True),
    "resnet50 A": imagenet("resnet50", shortcut="A", size=45, slow=True),
    "resnet50 C": imagenet("resnet50", shortcut="C", slow=True),
    "resnet101": imagenet("resnet101", slow=True),
    "resnet152": imagenet("resnet152", slow=True),
}
FILES = {"cifar": CIFAR, "preact": PREACT, "imagenet": IMAGENET}
CASES = {name: case for cases in FILES.values() for name, case in cases.items()}


# ---- one rule for all numbers --------------------------------------------------------------------
def numbers(name, shape):
    """Return float64 numbers in [-1, 1), by SplitMix64 from the name and the place."""
    count = int(np.prod(shape, dtype=np.int64))
    z = np.arange(1, count + 1, dtype=np.uint64) + np.uint64(zlib.crc32(name.encode()) << 32)
    z *= np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(11)).astype(np.float64) / 2**52 - 1).reshape(shape)


def state_for(case, shapes):
    """Return weights for a net whose state has these shapes by name.

    He's for layers, near 1 for batch norm's factors and variances, near 0 for biases and means.
    """
    last = {name.rpartition(".conv")[0]: name for name in shapes if ".conv" in name}
    state = {}
    for name, shape in shapes.items():
        u = numbers(name, shape)
        if name.endswith("num_batches_tracked"):
            state[name] = np.zeros(shape, np.int64)
        elif name.endswith("running_var"):
            state[name] = 1 + 0.3 * u
        elif len(shape) > 1:
            gain = case.gain if name in last.values() else 1
            state[name] = gain * u * np.sqrt(6 / np.prod(shape[1:]))
        else:
            state[name] = 1 + 0.2 * u if name.endswith("weight") else 0.1 * u
    return state


def images_for(case, channels=3):
    return numbers("images", (case.batch, channels, case.size, case.size)) * np.sqrt(3)


def labels_for(case, classes=10):
    return (np.arange(case.batch) * 7 + 3) % classes


def build(case, dtype="float64"):
    """Return our net of a case, with the weights of the rule."""
    net = models.build(case.net, **case.options).to(np.float64)
    net.load_state_dict(state_for(case, {k: v.shape for k, v in net.state_dict().items()}))
    return net.to(dtype)


# ---- what is compared ----------------------------------------------------------------------------
class Found(NamedTuple):
    """The logits of evaluation, with the running statistics of the rule; then of a training step
    the logits, the loss, all gradients, and the running statistics after it."""

    logits: np.ndarray
    logits_train: np.ndarray
    loss: float
    gradients: dict
    statistics: dict


def ours(case, dtype="float64", backend="cpu"):
    net = build(case, dtype)
    x = mr.tensor(images_for(case).astype(dtype), requires_grad=True)
    with mr.use_backend(backend):
        with mr.no_grad():
            logits = net.eval()(x).data
        logits_train = net.train()(x)
        loss = F.cross_entropy(logits_train, labels_for(case))
        loss.backward()
    gradients = {name: p.grad for name, p in net.named_parameters()} | {"images": x.grad}
    statistics = {name: value for name, value in net.named_buffers() if "running_" in name}
    return Found(logits, logits_train.data, loss.item(), gradients, statistics)


def relative(a, b, scale=None):
    """Return max |a - b| / max |b|, or / scale."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return float(np.abs(a - b).max() / (scale or np.abs(b).max()))


def errors(found, expected):
    """Return the relative errors of each part; of gradients and statistics the worst array's.

    A gradient that is zero but for rounding, such as that of a bias before a batch norm, is
    compared with the largest.
    """
    largest = {name: np.abs(value).max() for name, value in expected.gradients.items()}
    most = max(largest.values())
    return {
        "logits": relative(found.logits, expected.logits),
        "logits_train": relative(found.logits_train, expected.logits_train),
        "loss": relative(found.loss, expected.loss),
        "gradients": max(
            relative(found.gradients[name], value, most if largest[name] < 1e-12 * most else None)
            for name, value in expected.gradients.items()
        ),
        "statistics": max(relative(found.statistics[k], v) for k, v in expected.statistics.items()),
    }


def probes(arrays):
    """Return for each array, by name, one number on which each of its elements has an influence:
    the sum of its elements times numbers of the rule."""
    return np.array([np.sum(arrays[k] * numbers(f"probe {k}", arrays[k].shape)) for k in arrays])


def probe_error(found, expected):
    """Return the largest difference of probes, relative to the array's own norm."""
    norms = np.array([np.linalg.norm(value.astype(np.float64)) for value in found.values()])
    norms[norms < 1e-12 * norms.max()] = norms.max()
    return float(np.max(np.abs(probes(found) - expected) / norms))

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

MOST = 400  # arrays of which the golden files keep a number


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


def imagenet(net, size=64, slow=False, width=4, **options):
    return Case(net, {"width": width, "num_classes": 10, **options}, size, slow)


def other(net, size=16, slow=False, tolerance=1e-10, **options):
    return Case(net, options, size, slow, tolerance=tolerance)


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
    "preact_resnet18": imagenet("preact_resnet18"),
    "preact_resnet50": imagenet("preact_resnet50", slow=True),
    "preact_resnet110": cifar("preact_resnet110", slow=True, gain=0.5),
    "preact_resnet164": cifar("preact_resnet164", width=2, slow=True, gain=0.5),
    "preact_resnet1001": cifar("preact_resnet1001", width=2, size=8, slow=True, gain=0.1),
    "resnet164": cifar("resnet164", width=2, slow=True, gain=0.5, tolerance=1e-8),
    "resnet1001": cifar("resnet1001", width=2, size=8, slow=True, gain=0.1, tolerance=1e-4),
}
WIDE = {
    "wide_resnet16_4": cifar("wide_resnet16_4", width=2),
    "wide_resnet28_10": cifar("wide_resnet28_10", width=1, slow=True),
    "wide_resnet50_2": imagenet("wide_resnet50_2", slow=True),
    "resnext29_8x64d": cifar("resnext29_8x64d"),
    "resnext50_32x4d": imagenet("resnext50_32x4d", width=16),
    "resnext101_32x8d": imagenet("resnext101_32x8d", width=8, slow=True),
}
DENSE = {
    "densenet40": other("densenet40", growth=4),
    "densenet_bc100": other("densenet_bc100", growth=2, slow=True),
    "densenet121": other("densenet121", growth=4, size=64, tolerance=1e-8, num_classes=10),
    "densenet169": other(
        "densenet169", growth=4, size=64, tolerance=1e-8, slow=True, num_classes=10
    ),
    "densenet201": other(
        "densenet201", growth=4, size=64, tolerance=1e-8, slow=True, num_classes=10
    ),
}
OTHERS = {
    "mlp": other("mlp_stack", depth=10, width=12, norm="bn"),
    "mlp without norm": other("mlp_stack", depth=10, width=12),
    "mlp, residual": other("mlp_stack", depth=10, width=12, skip="identity", norm="bn"),
    "mobilenet_v1": other("mobilenet_v1", width=0.25, num_classes=10, size=64),
    "mobilenet_v2": other("mobilenet_v2", width=0.25, num_classes=10, size=64, dropout=0.0),
    "vdsr": other("vdsr", width=8, size=8),
    "vdsr, direct": other("vdsr", depth=12, width=8, residual=False, size=8),
    "airbench94": other("airbench94", width=8, size=32),
    "edsr": other("edsr", blocks=4, width=8, size=3, branch_scale=0.5),
    "mlp, preact": other("mlp_stack", depth=10, width=12, skip="preact", norm="bn"),
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
# The other sizes of these nets: compared with PyTorch, but not in files.
SIZES = {
    "edsr, plain": other("edsr", blocks=2, width=8, size=4, scale=3, skip=False),
    "vdsr, normalised": other("vdsr", width=8, norm="bn", size=8),
    "wide_resnet16_8": cifar("wide_resnet16_8", width=1, slow=True),
    "wide_resnet40_4": cifar("wide_resnet40_4", width=1, slow=True),
    "wide_resnet101_2": imagenet("wide_resnet101_2", slow=True),
    "resnext29_16x64d": cifar("resnext29_16x64d", slow=True),
    "resnext101_64x4d": imagenet("resnext101_64x4d", width=16, slow=True),
    "preact_resnet34": imagenet("preact_resnet34", slow=True),
    "preact_resnet101": imagenet("preact_resnet101", slow=True),
    "preact_resnet152": imagenet("preact_resnet152", slow=True),
    "densenet_bc190": other("densenet_bc190", growth=2, slow=True),
    "densenet_bc250": other("densenet_bc250", growth=2, slow=True),
}
FILES = {
    "cifar": CIFAR,
    "preact": PREACT,
    "imagenet": IMAGENET,
    "wide": WIDE,
    "dense": DENSE,
    "others": OTHERS,
}
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


def inputs_for(case):
    """Return a batch of the shape that the net takes, of variance 1."""
    shape = models.registry.find(case.net).input_shape(**case.options)
    shape = (shape[0], case.size, case.size) if len(shape) == 3 else shape
    return numbers("images", (case.batch, *shape)) * np.sqrt(3)


def targets_for(case, shape, dtype):
    """Return labels for logits (N, classes), or an image for an image."""
    if len(shape) == 4:
        return numbers("targets", shape).astype(dtype)
    return (np.arange(case.batch) * 7 + 3) % shape[1]


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
    x = mr.tensor(inputs_for(case).astype(dtype), requires_grad=True)
    with mr.use_backend(backend):
        with mr.no_grad():
            logits = net.eval()(x).data
        logits_train = net.train()(x)
        targets = targets_for(case, logits.shape, dtype)
        loss = (F.mse_loss if logits.ndim == 4 else F.cross_entropy)(logits_train, targets)
        loss.backward()
    gradients = {name: p.grad for name, p in net.named_parameters() if p.requires_grad}
    gradients["inputs"] = x.grad
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
        "statistics": max(
            (relative(found.statistics[name], v) for name, v in expected.statistics.items()),
            default=0.0,
        ),
    }


def some(arrays):
    """Return the arrays by sorted name; of a net with thousands every so many of them."""
    names = sorted(arrays)
    return {name: arrays[name] for name in names[:: max(1, len(names) // MOST)]}


def probes(arrays):
    """Return for each array one number on which all of its elements have an influence: their sum,
    each times a number of the rule."""
    return np.array([np.sum(a * numbers(f"probe {k}", a.shape)) for k, a in some(arrays).items()])


def probe_error(arrays, expected):
    """Return the largest difference of probes, relative to the array's own norm."""
    found = probes(arrays)
    if found.shape != expected.shape:
        return np.inf
    norms = np.array([np.linalg.norm(a.astype(np.float64)) for a in some(arrays).values()])
    norms[norms < 1e-12 * norms.max(initial=0)] = norms.max(initial=0)
    return float(np.max(np.abs(found - expected) / norms, initial=0))

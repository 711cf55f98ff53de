"""The same weights give the same logits: a file of PyTorch's, in minires and in PyTorch.

    python -m benchmarks.same_logits resnet18-f37072fd.pth

minires reads the file without PyTorch and tells the net by its weights. PyTorch reads it, too, into
torchvision's net if that is installed, else into a net of `torch_models` (ResNet-18, and those for
CIFAR with option A). Both see the same random images, in evaluation mode.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

import minires as mr
from minires import models, weights
from minires.models import registry
from minires.weights.describe import kind_of

from . import peers, torch_models

BAR = 1e-5  # max |a - b| / max |b|, float32
CIFAR = ("resnet20", "resnet32", "resnet44", "resnet56", "resnet110", "resnet1202")


def ours(path: str, name: str | None, images: int, size: int | None) -> tuple[Any, str, Any, Any]:
    """Return our net with the weights of a file, its name, random images, and their logits."""
    state = weights.load(path)
    kind = kind_of(state)
    if name is None:
        if kind is None:
            raise ValueError(f"{path}: of no net that is known here; name it: --model NAME")
        name = kind.name.partition(" or ")[0]
    entry = registry.find(name)
    classes = kind.classes.removesuffix(" classes") if kind else ""
    net = models.build(name, **({"num_classes": int(classes)} if classes.isdecimal() else {}))
    weights.load_into(net, path)
    channels, *sides = entry.input_shape()
    shape = (images, channels, *([size] * 2 if size else sides))
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with mr.no_grad():
        return net, name, x, net.eval()(mr.tensor(x)).data


def theirs(path: str, name: str, net: Any, x: Any, classes: int) -> tuple[Any, str] | None:
    """Return PyTorch's logits and whose net it was; None without PyTorch, or without such a net."""
    torch = peers.torch()
    if torch is None:
        return None
    there = importlib.util.find_spec("torchvision") and name not in CIFAR
    torchvision: Any = importlib.import_module("torchvision") if there else None
    if torchvision is not None and hasattr(torchvision.models, name):
        twin = getattr(torchvision.models, name)(num_classes=classes)
        twin.load_state_dict(torch.load(path, weights_only=True))
        whose = f"torchvision {torchvision.__version__}"
    elif name in CIFAR or name == "resnet18":
        twin = torch_models.build(net, "cifar" if name in CIFAR else "imagenet")
        if path.endswith((".pth", ".pt")):  # read by PyTorch itself, not by us
            twin.load_state_dict(torch.load(path, weights_only=True))
        whose = "benchmarks.torch_models"
    else:
        return None
    with torch.no_grad():
        return twin.eval()(torch.from_numpy(x)).numpy(), f"{whose}, PyTorch {torch.__version__}"


def main(argv: Sequence[str] | None = None) -> int:
    """Compare; 1 if the logits differ by more than BAR, 2 for a file that does not fit."""
    p = argparse.ArgumentParser(
        prog="benchmarks.same_logits", description=(__doc__ or "").splitlines()[0]
    )
    p.add_argument("file", help=".pth, .pt, .safetensors or .npz")
    p.add_argument("--model", choices=models.names(), help="default: told by the weights")
    p.add_argument("--images", type=int, default=4, help="default: 4")
    p.add_argument("--size", type=int, help="side of the images. Default: the net's own")
    args = p.parse_args(argv)
    try:
        net, name, x, found = ours(args.file, args.model, args.images, args.size)
        other = theirs(args.file, name, net, x, found.shape[1])
    except (ValueError, OSError) as error:
        print(f"same_logits: error: {error}", file=sys.stderr)
        return 2
    print(f"{args.file}: {name}, {sum(p.size for p in net.parameters()):,} parameters")
    if other is None:
        print("PyTorch, or its net of this name, is not here: our logits alone")
        print(np.array2string(found[0, :5], precision=6))
        return 0
    expected, whose = other
    error = float(np.abs(found - expected).max() / np.abs(expected).max())
    for label, logits in (("minires", found), ("PyTorch", expected)):
        print(f"{label}  image 0: {np.array2string(logits[0, :5], precision=6)} …")
    same = int((found.argmax(1) == expected.argmax(1)).sum())
    print(f"same class for {same} of {len(x)} images ({whose})")
    print(f"max |a - b| / max |b| = {error:.1e} (bar {BAR:g})")
    return 0 if error < BAR else 1


if __name__ == "__main__":
    sys.exit(main())

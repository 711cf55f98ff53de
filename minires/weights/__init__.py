"""Weights in files: `.safetensors`, `.npz`, and PyTorch's `.pth` without PyTorch.

weights.save("net.safetensors", net, {"data": "cifar10"})
weights.load_into(net, "net.safetensors")
"""

from ..nn.state import LoadedKeys
from .formats import load, metadata, save
from .into import load_into
from .shipped import Pretrained, pretrained

__all__ = [
    "LoadedKeys",
    "Pretrained",
    "load",
    "load_into",
    "metadata",
    "pretrained",
    "save",
]

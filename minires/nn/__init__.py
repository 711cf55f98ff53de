"""Modules of networks, under PyTorch's names."""

from . import init, utils
from .activations import GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Tanh
from .attributes import Parameter
from .containers import ModuleList, Sequential
from .fusion import add_act, layer, norm_act, use_fusion
from .images import ConvTranspose2d, PixelShuffle, PixelUnshuffle, Upsample
from .layers import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Dropout2d,
    Flatten,
    Identity,
    Linear,
    MaxPool2d,
    MSELoss,
)
from .module import Module
from .norms import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, Norm
from .utils import clip_grad_norm_, clip_grad_value_

__all__ = [
    "GELU",
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout2d",
    "Flatten",
    "GroupNorm",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "Norm",
    "Parameter",
    "PixelShuffle",
    "PixelUnshuffle",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Tanh",
    "Upsample",
    "add_act",
    "clip_grad_norm_",
    "clip_grad_value_",
    "init",
    "layer",
    "norm_act",
    "use_fusion",
    "utils",
]

"""Modules of networks, under PyTorch's names."""

from . import init, utils
from .attributes import Parameter
from .containers import ModuleList, Sequential
from .fusion import add_act, norm_act, use_fusion
from .layers import (
    AdaptiveAvgPool2d,
    AvgPool2d,
    Conv2d,
    CrossEntropyLoss,
    Dropout,
    Flatten,
    Identity,
    Linear,
    MaxPool2d,
    MSELoss,
    ReLU,
    Sigmoid,
    Tanh,
)
from .module import Module
from .norms import BatchNorm1d, BatchNorm2d, Norm
from .utils import clip_grad_norm_, clip_grad_value_

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleList",
    "Norm",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "add_act",
    "clip_grad_norm_",
    "clip_grad_value_",
    "init",
    "norm_act",
    "use_fusion",
    "utils",
]

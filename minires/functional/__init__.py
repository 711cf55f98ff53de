"""Functions of tensors for networks, under PyTorch's names and with its defaults.

import minires.functional as F
y = F.relu(F.conv2d(x, w, b, stride=2, padding=1))
"""

from ..ops import concat, pad, sigmoid, tanh, where
from .activations import gelu, leaky_relu, log_softmax, silu, softmax
from .dropout import dropout, dropout2d
from .kernels import (
    AddReLU,
    AvgPool2d,
    BatchNorm,
    BatchNormReLU,
    Conv2d,
    Conv2dNormReLU,
    CrossEntropy,
    GlobalAvgPool2d,
    Linear,
    LinearNormReLU,
    MaxPool2d,
    ReLU,
    add_relu,
    conv2d,
    kernel_function,
    linear,
    relu,
)
from .losses import cross_entropy, mse_loss
from .normalisation import (
    batch_norm,
    batch_norm_relu,
    conv2d_norm_relu,
    group_norm,
    layer_norm,
    linear_norm_relu,
)
from .pooling import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from .resize import interpolate
from .shapes import flatten, pixel_shuffle, pixel_unshuffle
from .transposed import conv_transpose2d

__all__ = [
    "AddReLU",
    "AvgPool2d",
    "BatchNorm",
    "BatchNormReLU",
    "Conv2d",
    "Conv2dNormReLU",
    "CrossEntropy",
    "GlobalAvgPool2d",
    "Linear",
    "LinearNormReLU",
    "MaxPool2d",
    "ReLU",
    "adaptive_avg_pool2d",
    "add_relu",
    "avg_pool2d",
    "batch_norm",
    "batch_norm_relu",
    "concat",
    "conv2d",
    "conv2d_norm_relu",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "dropout2d",
    "flatten",
    "gelu",
    "group_norm",
    "interpolate",
    "kernel_function",
    "layer_norm",
    "leaky_relu",
    "linear",
    "linear_norm_relu",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "pad",
    "pixel_shuffle",
    "pixel_unshuffle",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "tanh",
    "where",
]

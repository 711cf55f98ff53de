"""The nets that have a name, each in a line, and what their options mean.

A new net needs its builder and a line here; `minires summary NAME` counts the numbers, and a test
compares them with a build.
"""

from __future__ import annotations

from dataclasses import replace

from . import resnet_cifar as cifar
from . import resnet_imagenet as imagenet
from .entry import Entry, Family
from .mlp import mlp_stack

MEANINGS = {
    "activation": "relu, tanh, sigmoid or identity",
    "block": "basic: two 3×3 convolutions; bottleneck: 1×1, 3×3, 1×1 (depth 9n+2)",
    "branch_scale": "factor of each branch, or how branches start: 1/sqrt(blocks), skipinit, "
    "zero-gamma, fixup (models.options)",
    "depth": "number of layers; of mlp_stack those of the body",
    "in_channels": "channels of an image",
    "in_features": "numbers in an input; None: width, and no stem",
    "init": "how weights start: he, xavier, … (models.initialise)",
    "norm": "bn, or none",
    "num_classes": "number of logits",
    "order": "of weights, norm and activation in a block: original (2015), preact (2016), "
    "bn-after-add, relu-before-add, relu-preact (models.blocks)",
    "seed": "of the first weights; None draws from minires.random",
    "shortcut": "A zero-padding, B projection where the shape changes, C projection everywhere, or "
    "scale:0.5, gate:-6, exclusive:-6, dropout:0.5 (models.shortcuts)",
    "skip": "of mlp_stack: none, identity or preact; else True, or False for the plain twin",
    "stride_in": "which convolution of a bottleneck strides: 3x3 (torchvision), 1x1 (the paper)",
    "weights": "trained ones that come with minires: cifar10",
    "width": "filters of the first stage; of mlp_stack the features of a layer",
}


_HE = ("He et al. 2015", "1512.03385")
STACK = Family("Stacks of linear layers", "", "", mlp_stack, (64,), 10)
CIFAR = Family("ResNets for CIFAR", *_HE, cifar.resnet, (3, 32, 32), 10)
CIFAR_PLAIN = replace(CIFAR, title="Plain twins for CIFAR", fixed=("skip",))
IMAGENET = Family("ResNets for ImageNet", *_HE, imagenet.imagenet_resnet, (3, 224, 224), 1000)
IMAGENET_PLAIN = replace(IMAGENET, title="Plain twins for ImageNet", fixed=("skip",))

_STACK_DEFAULTS = {"depth": 20, "width": 64}

# builder, family, weight layers, parameters, multiply-adds of one input, where in the paper, error
ENTRIES = (
    Entry(mlp_stack, STACK, 21, 83_850, 82_560, "", defaults=_STACK_DEFAULTS),
    Entry(cifar.plain20, CIFAR_PLAIN, 20, 269_722, 40_551_040, "Figure 6"),
    Entry(cifar.plain32, CIFAR_PLAIN, 32, 464_154, 68_862_592, "Figure 6"),
    Entry(cifar.plain44, CIFAR_PLAIN, 44, 658_586, 97_174_144, "Figure 6"),
    Entry(cifar.plain56, CIFAR_PLAIN, 56, 853_018, 125_485_696, "Figure 6"),
    Entry(cifar.plain110, CIFAR_PLAIN, 110, 1_727_962, 252_887_680, "Figure 6", "above 60 %"),
    Entry(cifar.resnet20, CIFAR, 20, 269_722, 40_551_040, "Table 6", "8.75 %"),
    Entry(cifar.resnet32, CIFAR, 32, 464_154, 68_862_592, "Table 6", "7.51 %"),
    Entry(cifar.resnet44, CIFAR, 44, 658_586, 97_174_144, "Table 6", "7.17 %"),
    Entry(cifar.resnet56, CIFAR, 56, 853_018, 125_485_696, "Table 6", "6.97 %"),
    Entry(cifar.resnet110, CIFAR, 110, 1_727_962, 252_887_680, "Table 6", "6.61 ± 0.16 %"),
    Entry(cifar.resnet1202, CIFAR, 1202, 19_421_274, 2_829_238_912, "Table 6", "7.93 %"),
    Entry(imagenet.plain18, IMAGENET_PLAIN, 18, 11_515_688, 1_794_805_760, "Table 2", "27.94 %"),
    Entry(imagenet.plain34, IMAGENET_PLAIN, 34, 21_623_848, 3_644_493_824, "Table 2", "28.54 %"),
    Entry(imagenet.resnet18, IMAGENET, 18, 11_689_512, 1_814_073_344, "Table 2", "27.88 % (A)"),
    Entry(imagenet.resnet34, IMAGENET, 34, 21_797_672, 3_663_761_408, "Table 3", "24.52 %"),
    Entry(imagenet.resnet50, IMAGENET, 50, 25_557_032, 4_089_184_256, "Table 3", "22.85 %"),
    Entry(imagenet.resnet101, IMAGENET, 101, 44_549_160, 7_801_405_440, "Table 3", "21.75 %"),
    Entry(imagenet.resnet152, IMAGENET, 152, 60_192_808, 11_513_626_624, "Table 3", "21.43 %"),
)

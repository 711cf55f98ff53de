"""The nets that have a name, each in a line, and what their options mean.

A new net needs its builder and a line here; `minires summary NAME` counts the numbers, and a test
compares them with a build.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import airbench, dense, restore, separable, upscale
from . import resnet_cifar as cifar
from . import resnet_imagenet as imagenet
from . import resnet_preact as preact
from . import resnet_wide as wide
from .entry import Entry, Family
from .mlp import mlp_stack

MEANINGS = {
    "activation": "relu, tanh, sigmoid, gelu, silu, leaky_relu or identity",
    "block": "basic: two 3×3 convolutions; bottleneck: 1×1, 3×3, 1×1 (depth 9n+2)",
    "bottleneck": "of DenseNets: whether a 1×1 convolution comes before each 3×3",
    "branch_scale": "factor of each branch, or how branches start: 1/sqrt(blocks), skipinit, "
    "zero-gamma, fixup (models.options)",
    "compression": "of DenseNets: share of the channels kept between blocks; None: 0.5 with "
    "bottlenecks, else 1",
    "dropout": "of DenseNets: after each convolution in a block",
    "groups": "of the 3×3 convolutions of bottlenecks, as in ResNeXt (models.bottleneck)",
    "growth": "of DenseNets: channels that a layer adds",
    "in_channels": "channels of an image",
    "init": "how weights start: he, xavier, … (models.initialise)",
    "norm": "bn, ln (layer norm), gn (group norm), or none",
    "num_classes": "number of logits",
    "order": "of weights, norm and activation in a block: original (2015), preact (2016), "
    "bn-after-add, relu-before-add, relu-preact (models.blocks)",
    "output_stride": "of MobileNets: by how much height and width shrink; 8 or 4 for small images",
    "residual": "True adds the input to the output, False is the direct twin",
    "seed": "of the first weights; None draws from minires.random",
    "shared_act": "of order preact: both paths start from the activated input where the shape "
    "changes, and the net's first activation comes before its blocks (models.stages)",
    "shortcut": "A zero-padding, B projection where the shape changes, C projection everywhere, or "
    "scale:0.5, gate:-6, exclusive:-6, dropout:0.5 (models.shortcuts)",
    "skip": "True, or False for the plain twin",
    "stride_in": "which convolution of a bottleneck strides: 3x3 (torchvision), 1x1 (the paper)",
    "survival": "probability that the last branch is there in training, falling from 1: stochastic "
    "depth (models.survival)",
    "weights": "trained ones that come with minires: cifar10",
    "widen": "filters of the three stages × that, as in wide ResNets",
    "width": "filters of the first stage, or of a DenseNet's first convolution (None: the paper's "
    "number)",
    "width_per_group": "channels of a group of a bottleneck's 3×3, if the net's width is 64",
}


_HE = ("He et al. 2015", "1512.03385")
STACK = Family(
    *("Stacks of linear layers", "", "", mlp_stack, (64,), 10),
    means={
        "depth": "layers of the body; a stem (if in_features is not width) and a head come to them",
        "in_features": "numbers in an input; None: width",
        "skip": "none, identity or preact (short for identity and order=preact)",
        "width": "features of each layer",
    },
)
CIFAR = Family("ResNets for CIFAR", *_HE, cifar.resnet, (3, 32, 32), 10)
CIFAR_PLAIN = replace(CIFAR, title="Plain twins for CIFAR", fixed=("skip",))
IMAGENET = Family("ResNets for ImageNet", *_HE, imagenet.imagenet_resnet, (3, 224, 224), 1000)
IMAGENET_PLAIN = replace(IMAGENET, title="Plain twins for ImageNet", fixed=("skip",))
PREACT = Family(
    "Pre-activation ResNets for CIFAR",
    "He et al. 2016",
    "1603.05027",
    cifar.resnet,
    (3, 32, 32),
    10,
)
PREACT_IMAGENET = replace(
    PREACT,
    title="Pre-activation ResNets for ImageNet",
    base=imagenet.imagenet_resnet,
    shape=(3, 224, 224),
    classes=1000,
)
WIDE = replace(
    PREACT,
    title="Wide ResNets for CIFAR",
    paper="Zagoruyko and Komodakis 2016",
    arxiv="1605.07146",
    fixed=("widen",),
)
WIDE_IMAGENET = replace(
    IMAGENET, title="Wide ResNets for ImageNet", paper=WIDE.paper, arxiv=WIDE.arxiv
)
RESNEXT = replace(CIFAR, title="ResNeXt for CIFAR", paper="Xie et al. 2017", arxiv="1611.05431")
RESNEXT_IMAGENET = replace(
    IMAGENET, title="ResNeXt for ImageNet", paper=RESNEXT.paper, arxiv=RESNEXT.arxiv
)
DENSE = Family(
    "DenseNets for CIFAR", "Huang et al. 2017", "1608.06993", dense.densenet, (3, 32, 32), 10
)
DENSE_IMAGENET = replace(
    DENSE,
    title="DenseNets for ImageNet",
    base=dense.imagenet_densenet,
    shape=(3, 224, 224),
    classes=1000,
)
MOBILE = Family(
    *("MobileNet", "Howard et al. 2017", "1704.04861", separable.mobilenet_v1),
    *(IMAGENET.shape, 1000),
    means={"width": "factor of all channels", "dropout": "before the last layer"},
)
MOBILE_V2 = replace(MOBILE, title="MobileNetV2", paper="Sandler et al. 2018", arxiv="1801.04381")
RESTORE = Family(
    *("Nets that restore images", "Kim et al. 2016", "1511.04587", restore.vdsr, (1, 41, 41), 0),
    means={
        "depth": "number of convolutions",
        "norm": "none, or bn in all layers but the first and the last",
        "width": "filters of each layer but the last",
    },
)

ENLARGE = Family(
    *("Nets that enlarge images", "Lim et al. 2017", "1707.02921", upscale.edsr, (3, 48, 48), 0),
    means={
        "blocks": "number of residual blocks",
        "branch_scale": "factor of each branch",
        "scale": "how many times larger images become: 2, 3 or 4",
        "skip": "True, or False for the plain twin",
        "width": "filters of each layer but the last ones",
    },
)
AIRBENCH = Family(
    *("A net made for speed", "Jordan 2024", "2404.00498", airbench.airbench94, (3, 32, 32), 10),
    means={"width": "filters of the first group; the others have four times as many"},
)

_STACK_DEFAULTS = {"depth": 20, "width": 64}


def with_defaults(defaults: dict[str, Any], *entries: Entry) -> tuple[Entry, ...]:
    """Return entries of nets whose builders set some options differently from their base."""
    return tuple(replace(entry, defaults=defaults) for entry in entries)


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
    *with_defaults(
        preact.BOTTLENECKS,
        Entry(preact.resnet164, PREACT, 164, 1_704_154, 244_500_992, "Table 3", "5.93 %"),
        Entry(preact.resnet1001, PREACT, 1001, 10_328_602, 1_487_849_984, "Table 3", "7.61 %"),
    ),
    *with_defaults(
        preact.PREACT | preact.BOTTLENECKS,
        Entry(preact.preact_resnet164, PREACT, 164, 1_703_258, 244_500_992, "Table 3", "5.46 %"),
        Entry(
            preact.preact_resnet1001, PREACT, 1001, 10_327_706, 1_487_849_984, "Table 3", "4.92 %"
        ),
    ),
    *with_defaults(
        preact.PREACT,
        Entry(preact.preact_resnet110, PREACT, 110, 1_727_962, 252_887_680, "Table 3", "6.37 %"),
        Entry(preact.preact_resnet18, PREACT_IMAGENET, 18, 11_687_720, 1_814_073_344, ""),
        Entry(preact.preact_resnet34, PREACT_IMAGENET, 34, 21_795_880, 3_663_761_408, ""),
        Entry(preact.preact_resnet50, PREACT_IMAGENET, 50, 25_549_352, 4_089_184_256, ""),
        Entry(preact.preact_resnet101, PREACT_IMAGENET, 101, 44_541_480, 7_801_405_440, ""),
        Entry(preact.preact_resnet152, PREACT_IMAGENET, 152, 60_185_128, 11_513_626_624, "Table 5"),
    ),
    *with_defaults(
        wide.WIDE,
        Entry(wide.wide_resnet16_4, WIDE, 14, 2_748_890, 392_612_352, ""),
        Entry(wide.wide_resnet16_8, WIDE, 14, 10_961_370, 1_548_145_664, ""),
        Entry(wide.wide_resnet40_4, WIDE, 38, 8_949_210, 1_298_582_016, ""),
        Entry(wide.wide_resnet28_10, WIDE, 26, 36_479_194, 5_243_328_768, "Table 5", "4.00 %"),
    ),
    *with_defaults(
        wide.TWICE,
        Entry(wide.wide_resnet50_2, WIDE_IMAGENET, 50, 68_883_240, 11_398_021_120, ""),
        Entry(wide.wide_resnet101_2, WIDE_IMAGENET, 101, 126_886_696, 22_753_050_624, ""),
    ),
    *with_defaults(
        wide.CIFAR_RESNEXT | wide.GROUPS_8x64,
        Entry(wide.resnext29_8x64d, RESNEXT, 29, 34_426_698, 5_387_266_048, "Table 7", "3.65 %"),
    ),
    *with_defaults(
        wide.CIFAR_RESNEXT | wide.GROUPS_16x64,
        Entry(wide.resnext29_16x64d, RESNEXT, 29, 68_155_210, 10_688_866_304, "Table 7", "3.58 %"),
    ),
    *with_defaults(
        wide.GROUPS_32x4,
        Entry(wide.resnext50_32x4d, RESNEXT_IMAGENET, 50, 25_028_904, 4_230_479_872, "Table 3"),
    ),
    *with_defaults(
        wide.GROUPS_32x8,
        Entry(wide.resnext101_32x8d, RESNEXT_IMAGENET, 101, 88_791_336, 16_414_015_488, ""),
    ),
    *with_defaults(
        wide.GROUPS_64x4,
        Entry(wide.resnext101_64x4d, RESNEXT_IMAGENET, 101, 83_455_272, 15_460_270_080, "Table 4"),
    ),
    Entry(dense.densenet_bc100, DENSE, 100, 769_162, 287_929_692, "Table 2", "4.51 %"),
    *with_defaults(
        {"bottleneck": False},
        Entry(dense.densenet40, DENSE, 40, 1_019_722, 264_812_928, "Table 2", "5.24 %"),
    ),
    *with_defaults(
        {"growth": 24},
        Entry(dense.densenet_bc250, DENSE, 250, 15_324_406, 5_418_785_724, "Table 2", "3.62 %"),
    ),
    *with_defaults(
        {"growth": 40},
        Entry(dense.densenet_bc190, DENSE, 190, 25_624_430, 9_301_945_740, "Table 2", "3.46 %"),
    ),
    Entry(dense.densenet121, DENSE_IMAGENET, 121, 7_978_856, 2_834_161_664, "Table 1"),
    Entry(dense.densenet169, DENSE_IMAGENET, 169, 14_149_480, 3_359_843_328, "Table 1"),
    Entry(dense.densenet201, DENSE_IMAGENET, 201, 20_013_928, 4_291_365_888, "Table 1"),
    Entry(separable.mobilenet_v1, MOBILE, 28, 4_231_976, 568_740_352, "Table 1"),
    Entry(separable.mobilenet_v2, MOBILE_V2, 53, 3_504_872, 300_774_272, "Table 2"),
    Entry(restore.vdsr, RESTORE, 20, 665_921, 1_117_367_424, "Figure 2"),
    Entry(upscale.edsr, ENLARGE, 36, 1_369_859, 3_162_488_832, "Table 1"),
    Entry(airbench.airbench94, AIRBENCH, 8, 1_972_792, 118_147_360, "its code", "5.99 %"),
)

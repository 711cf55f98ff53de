"""Networks: deep MLP stacks and the CIFAR-10 and ImageNet nets of He et al. 2015, with twins."""

from .blocks import BasicBlock, MLPBlock, Residual
from .bottleneck import Bottleneck
from .mlp import MLPStack, mlp_stack
from .options import branch_factor
from .registry import build, names
from .resnet_cifar import (
    CifarResNet,
    plain,
    plain20,
    plain32,
    plain44,
    plain56,
    plain110,
    resnet,
    resnet20,
    resnet32,
    resnet44,
    resnet56,
    resnet110,
    resnet1202,
)
from .resnet_imagenet import (
    ImageNetResNet,
    imagenet_resnet,
    plain18,
    plain34,
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
)
from .shortcuts import ExclusiveGate, Gate, Pad, Scale

__all__ = [
    "BasicBlock",
    "Bottleneck",
    "CifarResNet",
    "ExclusiveGate",
    "Gate",
    "ImageNetResNet",
    "MLPBlock",
    "MLPStack",
    "Pad",
    "Residual",
    "Scale",
    "branch_factor",
    "build",
    "imagenet_resnet",
    "mlp_stack",
    "names",
    "plain",
    "plain18",
    "plain20",
    "plain32",
    "plain34",
    "plain44",
    "plain56",
    "plain110",
    "resnet",
    "resnet18",
    "resnet20",
    "resnet32",
    "resnet34",
    "resnet44",
    "resnet50",
    "resnet56",
    "resnet101",
    "resnet110",
    "resnet152",
    "resnet1202",
]

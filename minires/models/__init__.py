"""Networks: deep MLP stacks and the CIFAR-10 family of He et al. 2015, as plain/residual twins."""

from .blocks import BasicBlock, MLPBlock
from .mlp import MLPStack, branch_factor, mlp_stack
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

__all__ = [
    "BasicBlock",
    "CifarResNet",
    "MLPBlock",
    "MLPStack",
    "branch_factor",
    "mlp_stack",
    "plain",
    "plain20",
    "plain32",
    "plain44",
    "plain56",
    "plain110",
    "resnet",
    "resnet20",
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "resnet1202",
]

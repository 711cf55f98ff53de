"""Differentiable operations on tensors, each with its hand-written backward pass."""

from .arithmetic import add, div, mul, operands, sub, values
from .comparison import comparison, logical_and, logical_not, logical_or, logical_xor
from .conversion import astype, to
from .elementwise import abs, clip, exp, log, neg, require_float, sigmoid, sqrt, tanh, where
from .matmul import matmul
from .powers import power
from .reductions import argmax, argmin, max, mean, min, sum, var
from .shapes import (
    concat,
    flatten,
    getitem,
    pad,
    permute,
    reshape,
    setitem,
    squeeze,
    transpose,
    transposed,
    unsqueeze,
)

__all__ = [
    "abs",
    "add",
    "argmax",
    "argmin",
    "astype",
    "clip",
    "comparison",
    "concat",
    "div",
    "exp",
    "flatten",
    "getitem",
    "log",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "matmul",
    "max",
    "mean",
    "min",
    "mul",
    "neg",
    "operands",
    "pad",
    "permute",
    "power",
    "require_float",
    "reshape",
    "setitem",
    "sigmoid",
    "sqrt",
    "squeeze",
    "sub",
    "sum",
    "tanh",
    "to",
    "transpose",
    "transposed",
    "unsqueeze",
    "values",
    "var",
    "where",
]

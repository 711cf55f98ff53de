"""Differentiable operations on tensors, each with its hand-written backward pass."""

from .arithmetic import add, div, matmul, mul, neg, power, sub, values
from .comparison import compare
from .elementwise import clip, exp, log, sigmoid, sqrt, tanh, where
from .places import to
from .reductions import max, mean, sum, var
from .shapes import concat, flatten, getitem, pad, permute, reshape, transpose

__all__ = [
    "add",
    "clip",
    "compare",
    "concat",
    "div",
    "exp",
    "flatten",
    "getitem",
    "log",
    "matmul",
    "max",
    "mean",
    "mul",
    "neg",
    "pad",
    "permute",
    "power",
    "reshape",
    "sigmoid",
    "sqrt",
    "sub",
    "sum",
    "tanh",
    "to",
    "transpose",
    "values",
    "var",
    "where",
]

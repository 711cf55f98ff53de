"""The forms of code that can be checked, each made into a Subject."""

from .pair import PairSubject
from .tensors import TensorSubject

__all__ = ["PairSubject", "TensorSubject"]

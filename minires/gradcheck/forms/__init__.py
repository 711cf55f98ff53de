"""The forms of code that can be checked, each made into a Subject."""

from .choice import of_function, of_pair
from .pair import PairSubject
from .tensors import TensorSubject

__all__ = ["PairSubject", "TensorSubject", "of_function", "of_pair"]

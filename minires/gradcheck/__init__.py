"""Gradient checking: finite differences, kinks, hygiene, Taylor remainders, and likely mistakes.

report = minires.gradcheck(my_function, x, w)
print(report)
print(minires.gradcheck.bisect(net, x, y))  # which layer of a network is wrong
"""

from .bisection import Bisection, bisect
from .check import check_backward, gradcheck
from .report import GradcheckReport, Row
from .taylor import TaylorResult

# `minires.gradcheck` is the function, not this package: what people look for there is there, too.
gradcheck.__dict__.update(bisect=bisect, check_backward=check_backward)

__all__ = [
    "Bisection",
    "GradcheckReport",
    "Row",
    "TaylorResult",
    "bisect",
    "check_backward",
    "gradcheck",
]

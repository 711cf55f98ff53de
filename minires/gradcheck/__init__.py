"""Gradient checking: finite differences, kinks, hygiene, Taylor remainders, and likely mistakes.

report = minires.gradcheck(my_function, x, w)
print(report)
"""

from .check import check_backward, gradcheck
from .report import GradcheckReport, Row
from .taylor import TaylorResult

__all__ = ["GradcheckReport", "Row", "TaylorResult", "check_backward", "gradcheck"]

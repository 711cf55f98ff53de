"""The lesson kit: parameters, predictions, exercises that check themselves, figures.

from minires.lessons import Lesson
lesson = Lesson(2)
"""

from ..results import spread
from .kit import Lesson

__all__ = ["Lesson", "spread"]

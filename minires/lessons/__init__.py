"""The lesson kit: parameters, predictions, exercises that check themselves, figures.

from minires.lessons import Lesson
lesson = Lesson(2)
"""

from .kit import Lesson, spread

__all__ = ["Lesson", "spread"]

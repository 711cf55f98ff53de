"""Predictions: what is asked, what counts as an answer, and how far off it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .expect import number


@dataclass(frozen=True)
class Question:
    """What is to be predicted: a number, or one of the choices."""

    key: str
    text: str
    choices: tuple[str, ...] = ()

    def read(self, given: Any) -> float | str | None:
        """Return an answer as it is recorded; None if it is of the wrong type.

        A choice is given by its words, by some of them that no other has, or by its place from 1.
        """
        if not self.choices:
            return number(given)
        text = str(given).strip().lower()
        if text.isdigit():
            return self.choices[int(text) - 1] if 0 < int(text) <= len(self.choices) else None
        found = [c for c in self.choices if c.lower() == text] or [
            c for c in self.choices if text and text in c.lower()
        ]
        return found[0] if len(found) == 1 else None

    @property
    def expected(self) -> str:
        """What an answer looks like, in words."""
        if self.choices:
            return f"{self.short}, or the words {' or '.join(map(repr, self.choices))}"
        return "a number, e.g. 0.5 or 1e-8"

    @property
    def short(self) -> str:
        """What to type, in few words."""
        return f"1 to {len(self.choices)}" if self.choices else "a number"

    @property
    def example(self) -> str:
        """An answer as it is written in a call."""
        return repr(self.choices[0]) if self.choices else "0.5"

    def markdown(self) -> str:
        """Return the question with its choices."""
        listed = "".join(f"\n{i}. {c}" for i, c in enumerate(self.choices, 1))
        return f"**Prediction {self.key}**: {self.text}" + (f"\n{listed}" if listed else "")

    def judged(self, mine: float | str, value: float | str) -> str:
        """Return in words how a prediction compares with what was measured."""
        right = self.read(value)
        if self.choices:
            return "right" if mine == right else f"not so: {value}"
        if not isinstance(mine, float) or not isinstance(right, float):
            return ""
        if mine * right <= 0:
            return "exactly right" if mine == right else f"off by {mine - right:+.3g}"
        ratio = mine / right
        high = "high" if ratio > 1 else "low"
        if abs(ratio - 1) < 0.005:
            return "right within half a per cent"
        if 0.5 <= ratio <= 2:
            return f"{100 * abs(ratio - 1):.0f} % too {high}"
        return f"too {high} by a factor of {max(ratio, 1 / ratio):.2g}"

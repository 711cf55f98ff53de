"""Diagnosis: what is wrong in a hand-written backward pass, in which line, and what mends it."""

from .doctor import diagnose
from .finding import Diagnosis, Finding

__all__ = ["Diagnosis", "Finding", "diagnose"]

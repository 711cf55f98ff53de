"""Training: one loop, on which experiments build."""

from .loop import Step, Watch, train

__all__ = ["Step", "Watch", "train"]

"""Optimisers and learning-rate schedules, under PyTorch's names and with its formulas."""

from . import lr_scheduler
from .adam import Adam, AdamW
from .ema import EMA
from .groups import groups
from .lookahead import Lookahead
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["EMA", "SGD", "Adam", "AdamW", "Lookahead", "Optimizer", "groups", "lr_scheduler"]

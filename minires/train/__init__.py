"""Training: one loop, on which experiments build, and `fit`, which trains a net for real."""

from .evaluate import VIEWS, Evaluation, evaluate
from .fit import fit
from .loop import Step, Watch, train
from .recipe import RECIPES, Recipe
from .run import Habits, Run
from .trained import Trained, load_trained, shipped

__all__ = [
    "RECIPES",
    "VIEWS",
    "Evaluation",
    "Habits",
    "Recipe",
    "Run",
    "Step",
    "Trained",
    "Watch",
    "evaluate",
    "fit",
    "load_trained",
    "shipped",
    "train",
]

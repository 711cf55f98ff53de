"""minires: residual networks from scratch on NumPy, with hand-written gradients, all checked.

import minires as mr
x = mr.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
x.grad                      # array([2., 4.], dtype=float32)
"""

import importlib
from typing import TYPE_CHECKING, Any

from minires_kernels import use_backend, use_versions

from .tensor import Tensor  # isort: skip  (first: the engine needs it)
from . import cuda, data, functional, models, nn, optim, random
from .creation import tensor
from .engine import Function, is_grad_enabled, no_grad
from .gradcheck import GradcheckReport, gradcheck
from .ops import concat, where
from .random import manual_seed
from .threads import get_num_threads, set_num_threads

if TYPE_CHECKING:  # imported when they are first asked for
    from . import degradation as degradation
    from . import gradflow as gradflow
    from . import record as record

__version__ = "0.1.0"

__all__ = [
    "Function",
    "GradcheckReport",
    "Tensor",
    "concat",
    "cuda",
    "data",
    "functional",
    "get_num_threads",
    "gradcheck",
    "is_grad_enabled",
    "manual_seed",
    "models",
    "nn",
    "no_grad",
    "optim",
    "random",
    "set_num_threads",
    "tensor",
    "use_backend",
    "use_versions",
    "where",
]

LAZY = (
    "degradation",
    "experiments",
    "gradflow",
    "lessons",
    "plotting",
    "record",
    "results",
    "train",
)


def __getattr__(name: str) -> Any:
    """Import a part that takes long only when it is asked for, e.g. as `mr.gradflow`."""
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *LAZY})

"""minires: residual networks from scratch on NumPy, with hand-written gradients, all checked.

import minires as mr
x = mr.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
x.grad                      # array([2., 4.], dtype=float32)
"""

import importlib
from typing import TYPE_CHECKING, Any

from minires_kernels import use_backend, use_versions

from . import operators as operators  # isort: skip  (binds those of Tensor, for all that follows)
from . import cuda, data, functional, models, nn, optim, random
from .creation import tensor
from .drawing import GraphDrawing
from .flops import FlopCounter
from .function import Function
from .grad_mode import enable_grad, is_grad_enabled, no_grad
from .gradcheck import GradcheckReport, gradcheck
from .observe import Observer, watching
from .ops import abs, concat, where
from .random import manual_seed
from .summary import Summary, summary
from .tensor import Tensor
from .threads import get_num_threads, set_num_threads

if TYPE_CHECKING:  # imported when they are first asked for
    from . import degradation as degradation
    from . import gradflow as gradflow
    from . import record as record

__version__ = "0.1.0"

__all__ = [
    "FlopCounter",
    "Function",
    "GradcheckReport",
    "GraphDrawing",
    "Observer",
    "Summary",
    "Tensor",
    "abs",
    "concat",
    "cuda",
    "data",
    "enable_grad",
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
    "summary",
    "tensor",
    "use_backend",
    "use_versions",
    "watching",
    "where",
]

LAZY = (
    "degradation",
    "experiments",
    "gradflow",
    "lessons",
    "onnx",
    "plotting",
    "record",
    "results",
    "train",
    "weights",
)


def __getattr__(name: str) -> Any:
    """Import a part that takes long only when it is asked for, e.g. as `mr.gradflow`."""
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *LAZY})

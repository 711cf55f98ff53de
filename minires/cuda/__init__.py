"""GPUs: what there is, waiting for them, and training steps as CUDA graphs (graph.py).

    x = minires.tensor(batch, device="cuda")
    net = minires.models.resnet20().to("cuda")

Nothing here imports CuPy before it is asked to do something on a GPU.
"""

from __future__ import annotations

from minires_kernels.cuda.machine.options import allow_tf32, tf32_allowed
from minires_kernels.gpu import status as _status

from .graph import CapturedStep, cupy, graph

__all__ = [
    "CapturedStep",
    "allow_tf32",
    "graph",
    "is_available",
    "memory_info",
    "status",
    "synchronize",
    "tf32_allowed",
]


def status() -> tuple[str, str]:
    """Return a code and a sentence: ("ok", what the GPU is), or what is missing and what to do.

    Codes: "ok", "no-cupy", "broken-cupy", "no-gpu", "no-nvrtc".
    """
    return _status()


def is_available() -> bool:
    """Return whether kernels can run on a GPU here."""
    return _status()[0] == "ok"


def synchronize() -> None:
    """Wait until the GPU has done all that it was asked to do. RuntimeError without a GPU."""
    cupy().cuda.Device().synchronize()


def memory_info() -> dict[str, int]:
    """Return bytes: `free` and `total` of the GPU; `used` by arrays and `kept` for new ones.

    `used` and `kept` are those of CuPy's own pool, without those of captured steps. Raises
    RuntimeError without a GPU.
    """
    module = cupy()
    free, total = module.cuda.runtime.memGetInfo()
    pool = module.get_default_memory_pool()
    used = pool.used_bytes()
    return {"free": free, "total": total, "used": used, "kept": pool.total_bytes() - used}

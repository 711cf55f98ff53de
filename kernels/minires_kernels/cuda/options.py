"""Settings of the CUDA kernels, one for the whole process."""

from __future__ import annotations

from ..setting import Setting

tf32 = False  # may float32 products be rounded to TF32's 10 bits and run on tensor cores?


class allow_tf32(Setting):
    """Let the tensor cores compute float32 products: `allow_tf32(True)`, for good or as a block.

    TF32 keeps 10 of float32's 23 bits of each factor, so results have a relative error of about
    5e-4 instead of 6e-8; sums stay in float32. Off by default. Only kernels with a version for it
    change, on GPUs of compute capability 8.0 or newer. TypeError unless it gets True or False.
    """

    def __init__(self, allowed: bool) -> None:
        global tf32
        if not isinstance(allowed, bool):
            raise TypeError(f"allow_tf32: expected True or False, got {allowed!r}")
        self._before, tf32 = tf32, allowed

    def _undo(self) -> None:
        global tf32
        tf32 = self._before


def tf32_allowed() -> bool:
    """Return whether TF32 is allowed now."""
    return tf32

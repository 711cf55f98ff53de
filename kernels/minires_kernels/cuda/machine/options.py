"""Settings of the CUDA kernels."""

from __future__ import annotations

from ...setting import Setting


class allow_tf32(Setting):
    """Let the tensor cores compute float32 products: `allow_tf32(True)`, for good or as a block.

    TF32 keeps 10 of float32's 23 bits of each factor, so results have a relative error of about
    5e-4 instead of 6e-8; sums stay in float32. Off by default. Only kernels with a version for it
    change, on GPUs of compute capability 8.0 or newer. TypeError unless it gets True or False.
    """

    first = False

    def __init__(self, allowed: bool) -> None:
        if not isinstance(allowed, bool):
            raise TypeError(f"allow_tf32: expected True or False, got {allowed!r}")
        super().__init__(allowed)


def tf32_allowed() -> bool:
    """Return whether TF32 is allowed now."""
    return allow_tf32.current()  # type: ignore[no-any-return]

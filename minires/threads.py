"""How many threads the kernels use. Results do not depend on it."""

from __future__ import annotations

import importlib.util


def set_num_threads(n: int) -> None:
    """Use `n` threads from now on; the default is `MINIRES_NUM_THREADS`, or the usable cores."""
    from minires_kernels.cpu.machine import (
        threads,
    )  # imports Numba, which `import minires` does not

    threads.set_num_threads(n)


def get_num_threads() -> int:
    """Return how many threads the kernels of the cpu backend use; 1 where there is no Numba."""
    if importlib.util.find_spec("numba") is None:
        return 1
    from minires_kernels.cpu.machine import threads

    return threads.num_threads()

"""One thread for the BLAS library: the kernels bring their own threads.

A threaded OpenBLAS keeps its workers spinning for about 0.1 s after each product, which takes the
cores from everything else: the training step of a deep MLP became three times slower, measured on
two cores. It also sums in an order that depends on the number of threads. So, when this backend is
loaded, BLAS is limited to one thread in this process, and products are cut into pieces for our own
threads. Set OPENBLAS_NUM_THREADS, MKL_NUM_THREADS or OMP_NUM_THREADS to choose otherwise.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ...spec import Array

Product = tuple[Array, Array, Array]  # a, b and y of y = a @ b
SETTINGS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")


def limit_blas() -> Any:
    """Limit BLAS to one thread, unless the user has set a number; return the limiter or None."""
    if any(name in os.environ for name in SETTINGS):
        return None
    return ThreadpoolController().select(user_api="blas").limit(limits=1)


LIMIT = limit_blas()


def multiply(lo: int, hi: int, products: list[Product]) -> None:
    """Compute y = a @ b of products lo … hi - 1; NumPy lets other threads run meanwhile."""
    for a, b, y in products[lo:hi]:
        np.matmul(a, b, out=y)

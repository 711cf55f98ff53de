"""The cpu backend: Numba kernels on channels-last memory, in float32 and float64."""

from . import (
    add,
    add_relu,
    avg_pool2d,
    batch_norm,
    batch_norm_relu,
    conv2d,
    conv2d_norm_relu,
    cross_entropy,
    gated,
    global_avg_pool2d,
    group_norm,
    linear,
    linear_norm_relu,
    max_pool2d,
    relu,
    running_statistics,
    sgd,
)
from .machine import blas, threads

threads.num_threads()  # refuses a wrong MINIRES_NUM_THREADS at once, not in the middle of a run
BLAS_LIMIT = blas.LIMIT  # alive as long as the backend

KERNELS = {
    "conv2d": conv2d.VERSIONS,
    "batch_norm": batch_norm.VERSIONS,
    "batch_norm_relu": batch_norm_relu.VERSIONS,
    "conv2d_norm_relu": conv2d_norm_relu.VERSIONS,
    "relu": relu.VERSIONS,
    "add_relu": add_relu.VERSIONS,
    "max_pool2d": max_pool2d.VERSIONS,
    "avg_pool2d": avg_pool2d.VERSIONS,
    "global_avg_pool2d": global_avg_pool2d.VERSIONS,
    "linear": linear.VERSIONS,
    "linear_norm_relu": linear_norm_relu.VERSIONS,
    "cross_entropy": cross_entropy.VERSIONS,
    "gated": gated.VERSIONS,
    "group_norm": group_norm.VERSIONS,
    "add": add.VERSIONS,
    "sgd": sgd.VERSIONS,
    "running_statistics": running_statistics.VERSIONS,
}

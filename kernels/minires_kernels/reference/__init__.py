"""The reference backend: every kernel in obvious NumPy, beside its specification."""

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

_MODULES = (
    conv2d,
    batch_norm,
    batch_norm_relu,
    conv2d_norm_relu,
    relu,
    add_relu,
    max_pool2d,
    avg_pool2d,
    global_avg_pool2d,
    group_norm,
    linear,
    linear_norm_relu,
    cross_entropy,
    gated,
    add,
    sgd,
    running_statistics,
)
SPECS = {m.SPEC.name: m.SPEC for m in _MODULES}
KERNELS = {m.SPEC.name: m.VERSIONS for m in _MODULES}

"""Convolution on the CPU, in channels-last memory.

shapes     x (N, H, W, C), w (K, C/groups, R, S), y (N, P, Q, K)
forward    y[n,p,q,k] = b[k] + Σ_{r,s,c} x[n, p·stride + r·dilation - padding, …, c] w[k,c,r,s]
backward   dx and dw send each product's dy to its two factors;  db = Σ dy
threads    a thread owns whole images, bands or filters of y and dx; dw is summed in parts, in order
bytes      x, w and y once; v2 writes and reads each image's columns besides, R·S times its size

Versions
    v1  loops over pixels and taps, filters innermost: contiguous, so the compiler vectorises them
    v2  one image's windows as rows of a matrix (im2col), then the blocked product of matmul.py
    v3  direct, no columns: a tile of sums stays in vector registers over all taps and channels
    v4  Winograd F(4×4, 3×3) for 3×3 filters of stride 1: a quarter of the products, float32 only
"""

from __future__ import annotations

from ...spec import always, versions
from .v1_loops import conv2d_backward_v1, conv2d_forward_v1
from .v2_im2col import (
    conv2d_backward_v2,
    conv2d_forward_v2,
    wide_groups,
    wide_groups_backward,
)
from .v3_tile import conv2d_backward_v3, conv2d_forward_v3
from .v4_winograd import conv2d_backward_v4, conv2d_forward_v4, pays, pays_backward

VERSIONS = versions(
    __doc__,
    (conv2d_forward_v1, conv2d_backward_v1),
    (conv2d_forward_v2, conv2d_backward_v2, wide_groups, wide_groups_backward),
    (conv2d_forward_v3, conv2d_backward_v3),
    (conv2d_forward_v4, conv2d_backward_v4, pays, pays_backward, 10.0, always, True),
)

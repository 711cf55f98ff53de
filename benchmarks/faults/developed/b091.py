import numpy as np

LABELS = {
    'id': 'b091',
    'op': 'convolution, ReLU, global average pooling, linear head',
    'family': 'wrong scale',
    'wrong_lines': [10, 12],
    'fix': {10: 'area = (h - 1) * (wd - 1)', 12: 'db = da.sum(axis=(0, 2, 3))'},
    'note': 'two mistakes',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 5, 4)), rng.standard_normal((3, 2, 2)), rng.standard_normal(3), rng.standard_normal((3, 4))


def forward(x, w, b, v):
    n, h, wd = x.shape
    a = b[None, :, None, None] + np.zeros((n, 3, h - 1, wd - 1))
    for i in range(2):
        for j in range(2):
            a += x[:, None, i : i + h - 1, j : j + wd - 1] * w[None, :, i, j, None, None]
    return np.maximum(a, 0).mean(axis=(2, 3)) @ v


def right_backward(dy, x, w, b, v):
    n, h, wd = x.shape
    a = b[None, :, None, None] + np.zeros((n, 3, h - 1, wd - 1))
    for i in range(2):
        for j in range(2):
            a += x[:, None, i : i + h - 1, j : j + wd - 1] * w[None, :, i, j, None, None]
    pooled = np.maximum(a, 0).mean(axis=(2, 3))
    dv = pooled.T @ dy
    dpool = dy @ v.T
    area = (h - 1) * (wd - 1)
    da = (dpool / area)[:, :, None, None] * (a > 0)
    db = da.sum(axis=(0, 2, 3))
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(2):
        for j in range(2):
            patch = x[:, i : i + h - 1, j : j + wd - 1]
            dw[:, i, j] = np.einsum("nohw,nhw->o", da, patch)
            dx[:, i : i + h - 1, j : j + wd - 1] += np.einsum("nohw,o->nhw", da, w[:, i, j])
    return dx, dw, db, dv


def wrong_backward(dy, x, w, b, v):
    n, h, wd = x.shape
    a = b[None, :, None, None] + np.zeros((n, 3, h - 1, wd - 1))
    for i in range(2):
        for j in range(2):
            a += x[:, None, i : i + h - 1, j : j + wd - 1] * w[None, :, i, j, None, None]
    pooled = np.maximum(a, 0).mean(axis=(2, 3))
    dv = pooled.T @ dy
    dpool = dy @ v.T
    area = h * wd
    da = (dpool / area)[:, :, None, None] * (a > 0)
    db = da.mean(axis=0).sum(axis=(1, 2))
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i in range(2):
        for j in range(2):
            patch = x[:, i : i + h - 1, j : j + wd - 1]
            dw[:, i, j] = np.einsum("nohw,nhw->o", da, patch)
            dx[:, i : i + h - 1, j : j + wd - 1] += np.einsum("nohw,o->nhw", da, w[:, i, j])
    return dx, dw, db, dv

import numpy as np

LABELS = {
    'id': 'r108',
    'op': 'two-way table from row, column and overall effects',
    'family': 'broadcasting',
    'note': 'shapes (n, 1), (1, m), (1, 1) and (m,), one of them squared',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 3 + seed % 2
    return rng.standard_normal((n, 1)), rng.standard_normal((1, 4)), rng.standard_normal((1, 1)), rng.standard_normal(4)


def forward(row, col, mean, scale):
    return np.exp(0.5 * (row + col * mean)) * scale**2 + mean


def right_backward(dy, row, col, mean, scale):
    e = np.exp(0.5 * (row + col * mean))
    d = dy * e * scale**2 * 0.5
    dcol = d.sum(axis=0, keepdims=True)
    dmean = (dcol * col).sum(keepdims=True) + dy.sum(keepdims=True)
    return d.sum(axis=1, keepdims=True), dcol * mean, dmean, 2 * scale * np.einsum("ij,ij->j", dy, e)

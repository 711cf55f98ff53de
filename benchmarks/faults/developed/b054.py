import numpy as np

LABELS = {
    'id': 'b054',
    'op': 'layer on a rectified and flattened map',
    'family': 'in-place modification',
    'wrong_lines': [2],
    'fix': {2: 'flat = x.reshape(len(x), -1).copy()'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 2, 3)), rng.standard_normal((6, 4))


def forward(x, w):
    return np.maximum(x.reshape(len(x), -1), 0) @ w + x.sum(axis=(1, 2))[:, None] ** 2


def right_backward(dy, x, w):
    flat = x.reshape(len(x), -1).copy()
    positive = flat > 0
    flat[~positive] = 0
    dw = flat.T @ dy
    dflat = (dy @ w.T) * positive
    total = x.sum(axis=(1, 2))
    dflat = dflat + (2 * total * dy.sum(axis=1))[:, None]
    return dflat.reshape(x.shape), dw


def wrong_backward(dy, x, w):
    flat = x.reshape(len(x), -1)
    positive = flat > 0
    flat[~positive] = 0
    dw = flat.T @ dy
    dflat = (dy @ w.T) * positive
    total = x.sum(axis=(1, 2))
    dflat = dflat + (2 * total * dy.sum(axis=1))[:, None]
    return dflat.reshape(x.shape), dw

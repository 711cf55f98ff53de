import numpy as np

LABELS = {
    'id': 'b141',
    'op': 'linear head on a channels-last flattened map',
    'family': 'order of reshape',
    'wrong_lines': [5],
    'fix': {5: 'dx = dflat.reshape(n, h, wd, c).transpose(0, 3, 1, 2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 3, 2, 4)), rng.standard_normal((24, 5))


def forward(x, w):
    return x.transpose(0, 2, 3, 1).reshape(len(x), -1) @ w


def right_backward(dy, x, w):
    n, c, h, wd = x.shape
    flat = np.moveaxis(x, 1, -1).reshape(n, -1)
    dflat = dy @ w.T
    dx = dflat.reshape(n, h, wd, c).transpose(0, 3, 1, 2)
    return dx, flat.T @ dy


def wrong_backward(dy, x, w):
    n, c, h, wd = x.shape
    flat = np.moveaxis(x, 1, -1).reshape(n, -1)
    dflat = dy @ w.T
    dx = dflat.reshape(n, c, h, wd)
    return dx, flat.T @ dy

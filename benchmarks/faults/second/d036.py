import numpy as np

LABELS = {
    'id': 'd036',
    'op': 'statistics pooling: mean and unbiased deviation over time',
    'family': 'wrong scale',
    'wrong_lines': [7],
    'fix': {7: 'dx += dstd[:, None, :] * (x - mu) / ((T - 1) * std)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, int(rng.integers(4, 7)), 3)),)


def forward(x):
    return np.concatenate([x.mean(axis=1), x.std(axis=1, ddof=1)], axis=1)


def right_backward(dout, x):
    B, T, D = x.shape
    dmean, dstd = dout[:, :D], dout[:, D:]
    mu = x.mean(axis=1, keepdims=True)
    std = x.std(axis=1, ddof=1, keepdims=True)
    dx = np.repeat(dmean[:, None, :], T, axis=1) / T
    dx += dstd[:, None, :] * (x - mu) / ((T - 1) * std)
    return dx


def wrong_backward(dout, x):
    B, T, D = x.shape
    dmean, dstd = dout[:, :D], dout[:, D:]
    mu = x.mean(axis=1, keepdims=True)
    std = x.std(axis=1, ddof=1, keepdims=True)
    dx = np.repeat(dmean[:, None, :], T, axis=1) / T
    dx += dstd[:, None, :] * (x - mu) / (T * std)
    return dx

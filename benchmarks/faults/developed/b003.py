import numpy as np

LABELS = {
    'id': 'b003',
    'op': 'group norm',
    'family': 'wrong axis',
    'wrong_lines': [10],
    'fix': {10: 'dx -= xhat * np.mean(dxhat * xhat, axis=2, keepdims=True)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 6, 5)), rng.standard_normal(6) + 1, rng.standard_normal(6)


def forward(x, gamma, beta):
    n, c, l = x.shape
    g = x.reshape(n, 3, -1)
    g = (g - g.mean(axis=2, keepdims=True)) / np.sqrt(g.var(axis=2, keepdims=True) + 1e-5)
    return g.reshape(x.shape) * gamma[:, None] + beta[:, None]


def right_backward(dout, x, gamma, beta):
    n, c, l = x.shape
    g = x.reshape(n, 3, -1)
    inv = 1 / np.sqrt(g.var(axis=2, keepdims=True) + 1e-5)
    xhat = (g - g.mean(axis=2, keepdims=True)) * inv
    dgamma = (dout * xhat.reshape(x.shape)).sum(axis=(0, 2))
    dbeta = dout.sum(axis=(0, 2))
    dxhat = (dout * gamma[:, None]).reshape(n, 3, -1)
    dx = dxhat - dxhat.mean(axis=2, keepdims=True)
    dx -= xhat * np.mean(dxhat * xhat, axis=2, keepdims=True)
    return (dx * inv).reshape(x.shape), dgamma, dbeta


def wrong_backward(dout, x, gamma, beta):
    n, c, l = x.shape
    g = x.reshape(n, 3, -1)
    inv = 1 / np.sqrt(g.var(axis=2, keepdims=True) + 1e-5)
    xhat = (g - g.mean(axis=2, keepdims=True)) * inv
    dgamma = (dout * xhat.reshape(x.shape)).sum(axis=(0, 2))
    dbeta = dout.sum(axis=(0, 2))
    dxhat = (dout * gamma[:, None]).reshape(n, 3, -1)
    dx = dxhat - dxhat.mean(axis=2, keepdims=True)
    dx -= xhat * np.mean(dxhat * xhat, axis=1, keepdims=True)
    return (dx * inv).reshape(x.shape), dgamma, dbeta

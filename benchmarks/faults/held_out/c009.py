import numpy as np

LABELS = {
    'id': 'c009',
    'op': 'group normalisation',
    'family': 'detached path',
    'wrong_lines': [10],
    'fix': {10: 'dxg = inv * (d - d.mean(axis=2, keepdims=True) - xhat * (d * xhat).mean(axis=2, keepdims=True))'},
    'note': '',
    'source': 'paiml/aprender#2200 (statistics of the batch take part in the gradient)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 6, 4 + seed % 4)), 1 + 0.3 * rng.standard_normal(6), rng.standard_normal(6)


G = 3


def forward(x, gamma, beta):
    n, c, l = x.shape
    xg = x.reshape(n, G, -1)
    mu = xg.mean(axis=2, keepdims=True)
    var = xg.var(axis=2, keepdims=True)
    xhat = ((xg - mu) / np.sqrt(var + 1e-5)).reshape(n, c, l)
    return gamma[:, None] * xhat + beta[:, None]


def right_backward(dout, x, gamma, beta):
    n, c, l = x.shape
    xg = x.reshape(n, G, -1)
    mu = xg.mean(axis=2, keepdims=True)
    inv = 1 / np.sqrt(xg.var(axis=2, keepdims=True) + 1e-5)
    xhat = (xg - mu) * inv
    dgamma = np.sum(dout * xhat.reshape(x.shape), axis=(0, 2))
    dbeta = np.sum(dout, axis=(0, 2))
    d = (dout * gamma[:, None]).reshape(n, G, -1)
    dxg = inv * (d - d.mean(axis=2, keepdims=True) - xhat * (d * xhat).mean(axis=2, keepdims=True))
    return dxg.reshape(x.shape), dgamma, dbeta


def wrong_backward(dout, x, gamma, beta):
    n, c, l = x.shape
    xg = x.reshape(n, G, -1)
    mu = xg.mean(axis=2, keepdims=True)
    inv = 1 / np.sqrt(xg.var(axis=2, keepdims=True) + 1e-5)
    xhat = (xg - mu) * inv
    dgamma = np.sum(dout * xhat.reshape(x.shape), axis=(0, 2))
    dbeta = np.sum(dout, axis=(0, 2))
    d = (dout * gamma[:, None]).reshape(n, G, -1)
    dxg = inv * (d - d.mean(axis=2, keepdims=True))
    return dxg.reshape(x.shape), dgamma, dbeta

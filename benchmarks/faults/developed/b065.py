import numpy as np

LABELS = {
    'id': 'b065',
    'op': 'batch norm of images',
    'family': 'wrong axis',
    'wrong_lines': [9],
    'fix': {9: 'dx = dxhat - dxhat.mean(axis=(0, 2, 3), keepdims=True)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6, 7]))
    return rng.standard_normal((n, 2, 3, 4)), rng.standard_normal(2) + 1, rng.standard_normal(2)


def forward(x, gamma, beta):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    return gamma[None, :, None, None] * (x - mu) / np.sqrt(var + 1e-5) + beta[None, :, None, None]


def right_backward(dout, x, gamma, beta):
    axes = (0, 2, 3)
    mu = x.mean(axis=axes, keepdims=True)
    istd = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
    xhat = (x - mu) * istd
    dbeta = dout.sum(axis=axes)
    dgamma = (dout * xhat).sum(axis=axes)
    dxhat = dout * gamma[None, :, None, None]
    dx = dxhat - dxhat.mean(axis=(0, 2, 3), keepdims=True)
    dx -= xhat * (dxhat * xhat).mean(axis=axes, keepdims=True)
    return dx * istd, dgamma, dbeta


def wrong_backward(dout, x, gamma, beta):
    axes = (0, 2, 3)
    mu = x.mean(axis=axes, keepdims=True)
    istd = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
    xhat = (x - mu) * istd
    dbeta = dout.sum(axis=axes)
    dgamma = (dout * xhat).sum(axis=axes)
    dxhat = dout * gamma[None, :, None, None]
    dx = dxhat - dxhat.mean(axis=(2, 3), keepdims=True)
    dx -= xhat * (dxhat * xhat).mean(axis=axes, keepdims=True)
    return dx * istd, dgamma, dbeta

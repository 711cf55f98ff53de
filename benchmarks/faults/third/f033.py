import numpy as np

LABELS = {
    'id': 'f033',
    'op': 'gated residual connection around a linear map',
    'family': 'in-place modification',
    'wrong_lines': [5],
    'fix': {5: 'df = np.multiply(dout, s)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    r = rng.standard_normal
    return r((n, 3)), r((3, 3)), r((3, 3))


def forward(x, W, G):
    return x + (x @ W) / (1 + np.exp(-x @ G))


def right_backward(dout, x, W, G):
    f = x @ W
    s = 1.0 / (1.0 + np.exp(-(x @ G)))
    dsig = dout * f
    df = np.multiply(dout, s)
    dW = x.T @ df
    dlogit = dsig * s * (1 - s)
    dG = x.T @ dlogit
    dx = dout + df @ W.T + dlogit @ G.T
    return dx, dW, dG


def wrong_backward(dout, x, W, G):
    f = x @ W
    s = 1.0 / (1.0 + np.exp(-(x @ G)))
    dsig = dout * f
    df = np.multiply(dout, s, out=dout)
    dW = x.T @ df
    dlogit = dsig * s * (1 - s)
    dG = x.T @ dlogit
    dx = dout + df @ W.T + dlogit @ G.T
    return dx, dW, dG

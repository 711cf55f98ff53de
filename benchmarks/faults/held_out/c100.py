import numpy as np

LABELS = {
    'id': 'c100',
    'op': 'RBF kernel matrix with a learnt length scale',
    'family': 'wrong factor',
    'wrong_lines': [6],
    'fix': {6: 'gell = np.array([np.sum(W * d2)]) / ell**3'},
    'note': '',
    'source': 'Gaussian process solutions (power of the length scale)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5 + seed % 3, 2)), np.array([1.3])


def forward(X, ell):
    d2 = ((X[:, None] - X[None]) ** 2).sum(-1)
    return np.exp(-d2 / (2 * ell**2))


def right_backward(gK, X, ell):
    diff = X[:, None] - X[None]
    d2 = (diff**2).sum(-1)
    K = np.exp(-d2 / (2 * ell**2))
    W = gK * K
    gell = np.array([np.sum(W * d2)]) / ell**3
    S = W + W.T
    gX = -(S[:, :, None] * diff).sum(axis=1) / ell**2
    return gX, gell


def wrong_backward(gK, X, ell):
    diff = X[:, None] - X[None]
    d2 = (diff**2).sum(-1)
    K = np.exp(-d2 / (2 * ell**2))
    W = gK * K
    gell = np.array([np.sum(W * d2)]) / ell**2
    S = W + W.T
    gX = -(S[:, :, None] * diff).sum(axis=1) / ell**2
    return gX, gell

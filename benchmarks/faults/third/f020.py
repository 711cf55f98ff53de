import numpy as np

LABELS = {
    'id': 'f020',
    'op': 'raw stress of multidimensional scaling',
    'family': 'wrong factor',
    'wrong_lines': [7],
    'fix': {7: 'dX = dstress * 2 * ((e / d)[:, :, None] * diff).sum(axis=1)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    return rng.standard_normal((n, 2)), rng.uniform(0.5, 2, (n, n))


def forward(X, target):
    i, j = np.triu_indices(len(X), 1)
    d = np.sqrt(((X[i] - X[j]) ** 2).sum(-1))
    return ((d - target[i, j]) ** 2).sum()


def right_backward(dstress, X, target):
    n = X.shape[0]
    diff = X[:, None] - X[None]
    d = np.sqrt((diff ** 2).sum(-1)) + np.eye(n)
    sym = np.triu(target, 1) + np.triu(target, 1).T
    e = (d - sym) * (1 - np.eye(n))
    dX = dstress * 2 * ((e / d)[:, :, None] * diff).sum(axis=1)
    dtarget = -dstress * 2 * np.triu(e, 1)
    return dX, dtarget


def wrong_backward(dstress, X, target):
    n = X.shape[0]
    diff = X[:, None] - X[None]
    d = np.sqrt((diff ** 2).sum(-1)) + np.eye(n)
    sym = np.triu(target, 1) + np.triu(target, 1).T
    e = (d - sym) * (1 - np.eye(n))
    dX = dstress * 4 * ((e / d)[:, :, None] * diff).sum(axis=1)
    dtarget = -dstress * 2 * np.triu(e, 1)
    return dX, dtarget

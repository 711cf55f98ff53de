import numpy as np

LABELS = {
    'id': 'f005',
    'op': 'Poisson regression with a log link and exposures',
    'family': 'missing upstream dy',
    'wrong_lines': [4],
    'fix': {4: 'deta = dloss * (rate - counts) / len(counts)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 9))
    return rng.standard_normal((n, 3)), 0.5 * rng.standard_normal(3), np.array([0.3]), rng.poisson(2.0, n)


def forward(X, w, b, counts):
    eta = X @ w + b
    return (np.exp(eta) - counts * eta).mean()


def right_backward(dloss, X, w, b, counts):
    eta = X @ w + b
    rate = np.exp(eta)
    deta = dloss * (rate - counts) / len(counts)
    dX = deta[:, None] * w
    dw = X.T @ deta
    db = np.array([deta.sum()])
    return dX, dw, db, None


def wrong_backward(dloss, X, w, b, counts):
    eta = X @ w + b
    rate = np.exp(eta)
    deta = (rate - counts) / len(counts)
    dX = deta[:, None] * w
    dw = X.T @ deta
    db = np.array([deta.sum()])
    return dX, dw, db, None

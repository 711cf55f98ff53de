import numpy as np

LABELS = {
    'id': 'c073',
    'op': 'solution of a triangular system',
    'family': 'transposed',
    'wrong_lines': [4],
    'fix': {4: 'bbar = np.linalg.solve(L.T, xbar)'},
    'note': '',
    'source': 'Gaussian process code (L in place of its transpose)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 4 + seed % 2
    return np.tril(0.4 * rng.standard_normal((n, n))) + 1.5 * np.eye(n), rng.standard_normal((n, 2))


def forward(L, b):
    return np.linalg.solve(np.tril(L), b)


def right_backward(xbar, L, b):
    L = np.tril(L)
    x = np.linalg.solve(L, b)
    bbar = np.linalg.solve(L.T, xbar)
    Lbar = -np.tril(bbar @ x.T)
    return Lbar, bbar


def wrong_backward(xbar, L, b):
    L = np.tril(L)
    x = np.linalg.solve(L, b)
    bbar = np.linalg.solve(L, xbar)
    Lbar = -np.tril(bbar @ x.T)
    return Lbar, bbar

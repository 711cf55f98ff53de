import numpy as np

LABELS = {
    'id': 'c023',
    'op': 'quadratic form xᵀ A x',
    'family': 'missing term',
    'wrong_lines': [2],
    'fix': {2: 'dX = g[:, None] * (X @ A + X @ A.T)'},
    'note': '',
    'source': 'Matrix Cookbook exercises (A is not symmetric)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5 + seed % 3, 3)), rng.standard_normal((3, 3))


def forward(X, A):
    return np.einsum("ni,ij,nj->n", X, A, X)


def right_backward(g, X, A):
    dX = g[:, None] * (X @ A + X @ A.T)
    dA = np.einsum("n,ni,nj->ij", g, X, X)
    return dX, dA


def wrong_backward(g, X, A):
    dX = 2 * g[:, None] * (X @ A.T)
    dA = np.einsum("n,ni,nj->ij", g, X, X)
    return dX, dA

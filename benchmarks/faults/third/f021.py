import numpy as np

LABELS = {
    'id': 'f021',
    'op': 'mode-2 product of a tensor with a matrix by unfolding (Tucker)',
    'family': 'order of reshape',
    'wrong_lines': [8],
    'fix': {8: 'dX = dX2.reshape(j, i, k).transpose(1, 0, 2)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(3, 5))
    return rng.standard_normal((2, 3, k)), rng.standard_normal((4, 3))


def forward(X, M):
    return np.einsum("ijk,rj->irk", X, M)


def right_backward(dY, X, M):
    i, j, k = X.shape
    r = M.shape[0]
    X2 = X.transpose(1, 0, 2).reshape(j, i * k)
    dY2 = dY.transpose(1, 0, 2).reshape(r, i * k)
    dM = dY2 @ X2.T
    dX2 = M.T @ dY2
    dX = dX2.reshape(j, i, k).transpose(1, 0, 2)
    return dX, dM


def wrong_backward(dY, X, M):
    i, j, k = X.shape
    r = M.shape[0]
    X2 = X.transpose(1, 0, 2).reshape(j, i * k)
    dY2 = dY.transpose(1, 0, 2).reshape(r, i * k)
    dM = dY2 @ X2.T
    dX2 = M.T @ dY2
    dX = dX2.reshape(j, k, i).transpose(2, 0, 1)
    return dX, dM

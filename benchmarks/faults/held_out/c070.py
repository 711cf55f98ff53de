import numpy as np

LABELS = {
    'id': 'c070',
    'op': 'linear regression solved by normal equations',
    'family': 'detached path',
    'wrong_lines': [7],
    'fix': {7: 'dX = np.outer(y, u) + X @ (dA + dA.T)'},
    'note': '',
    'source': 'differentiable least squares (XᵀX depends on X too)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 7 + seed % 3
    return rng.standard_normal((n, 3)), rng.standard_normal(n)


def forward(X, y):
    return np.linalg.solve(X.T @ X + 0.1 * np.eye(3), X.T @ y)


def right_backward(gw, X, y):
    A = X.T @ X + 0.1 * np.eye(X.shape[1])
    w = np.linalg.solve(A, X.T @ y)
    u = np.linalg.solve(A, gw)
    dy = X @ u
    dA = -np.outer(u, w)
    dX = np.outer(y, u) + X @ (dA + dA.T)
    return dX, dy


def wrong_backward(gw, X, y):
    A = X.T @ X + 0.1 * np.eye(X.shape[1])
    w = np.linalg.solve(A, X.T @ y)
    u = np.linalg.solve(A, gw)
    dy = X @ u
    dA = -np.outer(u, w)
    dX = np.outer(y, u)
    return dX, dy

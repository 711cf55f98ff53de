import numpy as np

LABELS = {
    'id': 'f012',
    'op': "robust regression with Tukey's biweight",
    'family': 'wrong mask/branch',
    'wrong_lines': [4],
    'fix': {4: 'psi = np.where(np.abs(res) <= C, res * (1 - u) ** 2, 0.0)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


C = 1.2


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(10, 14))
    return rng.standard_normal((n, 2)), rng.standard_normal(2), 1.5 * rng.standard_normal(n)


def forward(X, w, y):
    u = np.minimum(((X @ w - y) / C) ** 2, 1)
    return (C ** 2 / 6 * (1 - (1 - u) ** 3)).sum()


def right_backward(grad, X, w, y):
    res = X @ w - y
    u = (res / C) ** 2
    psi = np.where(np.abs(res) <= C, res * (1 - u) ** 2, 0.0)
    dres = grad * psi
    return np.outer(dres, w), X.T @ dres, -dres


def wrong_backward(grad, X, w, y):
    res = X @ w - y
    u = (res / C) ** 2
    psi = np.where(res <= C, res * (1 - u) ** 2, 0.0)
    dres = grad * psi
    return np.outer(dres, w), X.T @ dres, -dres

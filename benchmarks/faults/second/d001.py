import numpy as np

LABELS = {
    'id': 'd001',
    'op': 'two-layer network with ELU',
    'family': 'wrong variable',
    'wrong_lines': [9],
    'fix': {9: 'dz1 = da1 * np.where(z1 > 0, 1.0, a1 + alpha)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(4, 6))
    r = lambda *s: rng.standard_normal(s)
    return r(5, 3), r(3, m), r(m), r(m, 2), r(2)


def forward(X, W1, b1, W2, b2):
    z = X @ W1 + b1
    return np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1) @ W2 + b2


def right_backward(dout, X, W1, b1, W2, b2):
    alpha = 1.0
    z1 = X @ W1 + b1
    a1 = np.where(z1 > 0, z1, alpha * (np.exp(np.minimum(z1, 0)) - 1))
    dW2 = a1.T @ dout
    db2 = dout.sum(axis=0)
    da1 = dout @ W2.T
    # elu' = elu + alpha on the negative side
    dz1 = da1 * np.where(z1 > 0, 1.0, a1 + alpha)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return dz1 @ W1.T, dW1, db1, dW2, db2


def wrong_backward(dout, X, W1, b1, W2, b2):
    alpha = 1.0
    z1 = X @ W1 + b1
    a1 = np.where(z1 > 0, z1, alpha * (np.exp(np.minimum(z1, 0)) - 1))
    dW2 = a1.T @ dout
    db2 = dout.sum(axis=0)
    da1 = dout @ W2.T
    # elu' = elu + alpha on the negative side
    dz1 = da1 * np.where(z1 > 0, 1.0, z1 + alpha)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return dz1 @ W1.T, dW1, db1, dW2, db2

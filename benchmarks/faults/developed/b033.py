import numpy as np

LABELS = {
    'id': 'b033',
    'op': 'pre-activation residual block',
    'family': 'in-place modification',
    'wrong_lines': [5],
    'fix': {5: 'dx = dy.copy()'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal((4, 5)), rng.standard_normal((5, 4))


def forward(x, w1, w2):
    a = np.maximum(x, 0)
    b = np.maximum(a @ w1, 0)
    return x + b @ w2


def right_backward(dy, x, w1, w2):
    a = np.maximum(x, 0)
    b = np.maximum(a @ w1, 0)
    db = (dy @ w2.T) * (b > 0)
    dx = dy.copy()
    dx += (db @ w1.T) * (x > 0)
    return dx, a.T @ db, b.T @ dy


def wrong_backward(dy, x, w1, w2):
    a = np.maximum(x, 0)
    b = np.maximum(a @ w1, 0)
    db = (dy @ w2.T) * (b > 0)
    dx = dy
    dx += (db @ w1.T) * (x > 0)
    return dx, a.T @ db, b.T @ dy

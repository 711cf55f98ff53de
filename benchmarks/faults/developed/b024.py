import numpy as np

LABELS = {
    'id': 'b024',
    'op': 'linear solve',
    'family': 'sign',
    'wrong_lines': [4],
    'fix': {4: 'da = -db @ x.T'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return rng.standard_normal((n, n)) + 3 * np.eye(n), rng.standard_normal((n, 2))


def forward(a, b):
    return np.linalg.solve(a, b)


def right_backward(dx, a, b):
    x = np.linalg.solve(a, b)
    db = np.linalg.solve(a.T, dx)
    da = -db @ x.T
    return da, db


def wrong_backward(dx, a, b):
    x = np.linalg.solve(a, b)
    db = np.linalg.solve(a.T, dx)
    da = db @ x.T
    return da, db

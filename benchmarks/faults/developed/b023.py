import numpy as np

LABELS = {
    'id': 'b023',
    'op': 'log-determinant',
    'family': 'transposed',
    'wrong_lines': [3],
    'fix': {3: 'return dy * inv.T'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    return (rng.standard_normal((n, n)) + 3 * np.eye(n),)


def forward(a):
    return np.log(np.abs(np.linalg.det(a)))


def right_backward(dy, a):
    inv = np.linalg.inv(a)
    return dy * inv.T


def wrong_backward(dy, a):
    inv = np.linalg.inv(a)
    return dy * inv

import numpy as np

LABELS = {
    'id': 'b112',
    'op': 'matrix product that also takes one vector',
    'family': 'transposed',
    'wrong_lines': [3],
    'fix': {3: 'return np.outer(dy, b), a.T @ dy'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 4)), rng.standard_normal(4)


def forward(a, b):
    return a @ b


def right_backward(dy, a, b):
    if b.ndim == 1:
        return np.outer(dy, b), a.T @ dy
    da = dy @ b.T
    db = a.T @ dy
    return da, db


def wrong_backward(dy, a, b):
    if b.ndim == 1:
        return np.outer(dy, b), a @ dy
    da = dy @ b.T
    db = a.T @ dy
    return da, db

import numpy as np

LABELS = {
    'id': 'b021',
    'op': 'squared pairwise distances',
    'family': 'missing term',
    'wrong_lines': [5],
    'fix': {5: 'db = 2 * (cols * b - dd.T @ a)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((2, 3))


def forward(a, b):
    return (a**2).sum(1)[:, None] + (b**2).sum(1)[None, :] - 2 * a @ b.T


def right_backward(dd, a, b):
    rows = dd.sum(axis=1, keepdims=True)
    cols = dd.sum(axis=0)[:, None]
    da = 2 * (rows * a - dd @ b)
    db = 2 * (cols * b - dd.T @ a)
    return da, db


def wrong_backward(dd, a, b):
    rows = dd.sum(axis=1, keepdims=True)
    cols = dd.sum(axis=0)[:, None]
    da = 2 * (rows * a - dd @ b)
    db = -2 * dd.T @ a
    return da, db

import numpy as np

LABELS = {
    'id': 'b101',
    'op': 'outer sum of squares by broadcasting',
    'family': 'missing broadcast sum',
    'wrong_lines': [4, 5],
    'fix': {4: 'da = da.sum(axis=1, keepdims=True)', 5: 'db = db.sum(axis=0, keepdims=True)'},
    'note': 'two lines',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 1)), rng.standard_normal((1, 4))


def forward(a, b):
    return a * b + a**2 - b


def right_backward(dy, a, b):
    da = dy * (b + 2 * a)
    db = dy * (a - 1)
    da = da.sum(axis=1, keepdims=True)
    db = db.sum(axis=0, keepdims=True)
    return da, db


def wrong_backward(dy, a, b):
    da = dy * (b + 2 * a)
    db = dy * (a - 1)
    da = da[:, :1]
    db = db[:1]
    return da, db

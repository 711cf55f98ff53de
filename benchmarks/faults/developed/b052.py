import numpy as np

LABELS = {
    'id': 'b052',
    'op': 'attention weights applied to values',
    'family': 'in-place modification',
    'wrong_lines': [6],
    'fix': {6: 'ds = p * ds'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4]))
    return rng.standard_normal((n, 5)), rng.standard_normal((5, 2))


def forward(s, v):
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    return p @ v


def right_backward(dy, s, v):
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    ds = dy @ v.T
    ds -= (ds * p).sum(axis=1, keepdims=True)
    ds = p * ds
    dv = p.T @ dy
    return ds, dv


def wrong_backward(dy, s, v):
    p = np.exp(s)
    p /= p.sum(axis=1, keepdims=True)
    ds = dy @ v.T
    ds -= (ds * p).sum(axis=1, keepdims=True)
    ds = np.multiply(p, ds, out=p)
    dv = p.T @ dy
    return ds, dv

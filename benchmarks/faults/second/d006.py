import numpy as np

LABELS = {
    'id': 'd006',
    'op': 'Householder reflection of rows',
    'family': 'in-place modification',
    'wrong_lines': [4],
    'fix': {4: 'dx = dy.copy()'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 4)), rng.standard_normal(4) + 0.5


def forward(x, v):
    return x - 2 * np.outer(x @ v, v) / (v @ v)


def right_backward(dy, x, v):
    vv = v @ v
    xv = x @ v
    dx = dy.copy()
    dx -= 2 * np.outer(dy @ v, v) / vv
    dyv = dy @ v
    dv = -2 / vv * (dy.T @ xv + x.T @ dyv)
    dv += 4 / vv**2 * (xv @ dyv) * v
    return dx, dv


def wrong_backward(dy, x, v):
    vv = v @ v
    xv = x @ v
    dx = dy
    dx -= 2 * np.outer(dy @ v, v) / vv
    dyv = dy @ v
    dv = -2 / vv * (dy.T @ xv + x.T @ dyv)
    dv += 4 / vv**2 * (xv @ dyv) * v
    return dx, dv

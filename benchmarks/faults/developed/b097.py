import numpy as np

LABELS = {
    'id': 'b097',
    'op': 'residuals of an AR(2) process',
    'family': 'off by one',
    'wrong_lines': [4, 5],
    'fix': {4: 'dx[1:-1] -= a[0] * dr', 5: 'dx[:-2] -= a[1] * dr'},
    'note': 'two lines swapped',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([6, 7, 8]))
    return rng.standard_normal(n), rng.standard_normal(2)


def forward(x, a):
    return x[2:] - a[0] * x[1:-1] - a[1] * x[:-2]


def right_backward(dr, x, a):
    dx = np.zeros_like(x)
    dx[2:] += dr
    dx[1:-1] -= a[0] * dr
    dx[:-2] -= a[1] * dr
    da = -np.array([dr @ x[1:-1], dr @ x[:-2]])
    return dx, da


def wrong_backward(dr, x, a):
    dx = np.zeros_like(x)
    dx[2:] += dr
    dx[:-2] -= a[0] * dr
    dx[1:-1] -= a[1] * dr
    da = -np.array([dr @ x[1:-1], dr @ x[:-2]])
    return dx, da

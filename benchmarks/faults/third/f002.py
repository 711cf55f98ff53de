import numpy as np

LABELS = {
    'id': 'f002',
    'op': 'diagonal plus low-rank matrix times a batch of vectors',
    'family': 'wrong variable',
    'wrong_lines': [7],
    'fix': {7: 'dx = d[:, None] * dy + V @ dz'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    r = rng.standard_normal
    return r(n), r((n, 2)), r((n, 2)), r((n, 3))


def forward(d, U, V, x):
    return d[:, None] * x + U @ (V.T @ x)


def right_backward(dy, d, U, V, x):
    z = V.T @ x
    dd = (dy * x).sum(axis=1)
    dU = dy @ z.T
    dz = U.T @ dy
    dV = x @ dz.T
    dx = d[:, None] * dy + V @ dz
    return dd, dU, dV, dx


def wrong_backward(dy, d, U, V, x):
    z = V.T @ x
    dd = (dy * x).sum(axis=1)
    dU = dy @ z.T
    dz = U.T @ dy
    dV = x @ dz.T
    dx = d[:, None] * dy + U @ dz
    return dd, dU, dV, dx

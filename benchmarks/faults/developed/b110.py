import numpy as np

LABELS = {
    'id': 'b110',
    'op': 'linear map of a column-major vectorised matrix',
    'family': 'order of reshape',
    'wrong_lines': [2, 4],
    'fix': {2: 'flat = x.ravel(order="F")', 4: 'dx = (a.T @ dy).reshape(x.shape, order="F")'},
    'note': 'two lines',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3]))
    return rng.standard_normal((n, 4)), rng.standard_normal((5, 4 * n))


def forward(x, a):
    return a @ x.ravel(order="F")


def right_backward(dy, x, a):
    flat = x.ravel(order="F")
    da = np.outer(dy, flat)
    dx = (a.T @ dy).reshape(x.shape, order="F")
    return dx, da


def wrong_backward(dy, x, a):
    flat = x.ravel()
    da = np.outer(dy, flat)
    dx = (a.T @ dy).reshape(x.shape)
    return dx, da

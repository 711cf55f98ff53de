import numpy as np

LABELS = {
    'id': 'c094',
    'op': 'median of an even number of values',
    'family': 'dtype or integer division',
    'wrong_lines': [3],
    'fix': {3: 'dx = np.zeros(x.shape, dtype=x.dtype)'},
    'note': '',
    'source': 'the array of gradients takes the type of the indices',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 6)),)


def forward(x):
    return np.median(x, axis=1)


def right_backward(dy, x):
    order = np.argsort(x, axis=1)
    dx = np.zeros(x.shape, dtype=x.dtype)
    mid = x.shape[1] // 2
    for r in range(len(x)):
        dx[r, order[r, mid - 1]] = dy[r] / 2
        dx[r, order[r, mid]] = dy[r] / 2
    return dx


def wrong_backward(dy, x):
    order = np.argsort(x, axis=1)
    dx = np.zeros(x.shape, dtype=order.dtype)
    mid = x.shape[1] // 2
    for r in range(len(x)):
        dx[r, order[r, mid - 1]] = dy[r] / 2
        dx[r, order[r, mid]] = dy[r] / 2
    return dx

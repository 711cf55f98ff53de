import numpy as np

LABELS = {
    'id': 'b015',
    'op': 'pixel shuffle by 2',
    'family': 'order of reshape',
    'wrong_lines': [4],
    'fix': {4: 'd = d.transpose(0, 1, 3, 5, 2, 4)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    h = int(rng.choice([3, 5, 6]))
    return (rng.standard_normal((2, 12, h, 4)),)


def forward(x):
    n, c, h, w = x.shape
    y = x.reshape(n, c // 4, 2, 2, h, w).transpose(0, 1, 4, 2, 5, 3)
    return y.reshape(n, c // 4, 2 * h, 2 * w)


def right_backward(dy, x):
    n, c, h, w = x.shape
    d = dy.reshape(n, c // 4, h, 2, w, 2)
    d = d.transpose(0, 1, 3, 5, 2, 4)
    return d.reshape(n, c, h, w)


def wrong_backward(dy, x):
    n, c, h, w = x.shape
    d = dy.reshape(n, c // 4, h, 2, w, 2)
    d = d.transpose(0, 1, 5, 3, 2, 4)
    return d.reshape(n, c, h, w)

import numpy as np

LABELS = {
    'id': 'b109',
    'op': 'channel shuffle',
    'family': 'order of reshape',
    'wrong_lines': [5],
    'fix': {5: 'dx = (dy * s[:, None]).reshape(n, c // 2, 2, l).swapaxes(1, 2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 6, 3)), rng.standard_normal(6)


def forward(x, s):
    n, c, l = x.shape
    y = x.reshape(n, 2, c // 2, l).transpose(0, 2, 1, 3).reshape(n, c, l)
    return y * s[:, None]


def right_backward(dy, x, s):
    n, c, l = x.shape
    shuffled = x.reshape(n, 2, c // 2, l).swapaxes(1, 2).reshape(n, c, l)
    ds = (dy * shuffled).sum(axis=(0, 2))
    dx = (dy * s[:, None]).reshape(n, c // 2, 2, l).swapaxes(1, 2)
    return dx.reshape(n, c, l), ds


def wrong_backward(dy, x, s):
    n, c, l = x.shape
    shuffled = x.reshape(n, 2, c // 2, l).swapaxes(1, 2).reshape(n, c, l)
    ds = (dy * shuffled).sum(axis=(0, 2))
    dx = (dy * s[:, None]).reshape(n, 2, c // 2, l).swapaxes(1, 2)
    return dx.reshape(n, c, l), ds

import numpy as np

LABELS = {
    'id': 'b068',
    'op': 'circular shift of rows',
    'family': 'wrong axis',
    'wrong_lines': [3],
    'fix': {3: 'dx = np.roll(dy * s, -1, axis=1)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal(4)


def forward(x, s):
    return np.roll(x, 1, axis=1) * s


def right_backward(dy, x, s):
    ds = np.sum(dy * np.roll(x, 1, axis=1), axis=0)
    dx = np.roll(dy * s, -1, axis=1)
    return dx, ds


def wrong_backward(dy, x, s):
    ds = np.sum(dy * np.roll(x, 1, axis=1), axis=0)
    dx = np.roll(dy * s, -1, axis=0)
    return dx, ds

import numpy as np

LABELS = {
    'id': 'b060',
    'op': 'sigmoid, very negative inputs',
    'family': 'not finite',
    'wrong_lines': [2],
    'fix': {2: 'e = np.exp(-np.abs(x))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = 3 * rng.standard_normal((3, 4))
    x[1, 2] = -760.0
    x[0, 3] = 730.0
    return (x,)


def forward(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def right_backward(dy, x):
    e = np.exp(-np.abs(x))
    return dy * e / (1 + e) ** 2


def wrong_backward(dy, x):
    e = np.exp(-x)
    return dy * e / (1 + e) ** 2

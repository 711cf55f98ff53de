import numpy as np

LABELS = {
    'id': 'b012',
    'op': 'sort along the last axis',
    'family': 'wrong variable',
    'wrong_lines': [4],
    'fix': {4: 'return np.take_along_axis(dy, inverse, axis=-1)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4, 5]))
    return (rng.standard_normal((n, 6)),)


def forward(x):
    return np.sort(x, axis=-1)


def right_backward(dy, x):
    order = np.argsort(x, axis=-1)
    inverse = np.argsort(order, axis=-1)
    return np.take_along_axis(dy, inverse, axis=-1)


def wrong_backward(dy, x):
    order = np.argsort(x, axis=-1)
    inverse = np.argsort(order, axis=-1)
    return np.take_along_axis(dy, order, axis=-1)

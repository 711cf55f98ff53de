import numpy as np

LABELS = {
    'id': 'b036',
    'op': 'learned positional encoding',
    'family': 'missing broadcast sum',
    'wrong_lines': [5],
    'fix': {5: 'dtable[:steps] = dy.sum(axis=0)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 4, 3)), rng.standard_normal((6, 3))


def forward(x, table):
    return 2 * x + table[: x.shape[1]]


def right_backward(dy, x, table):
    steps = x.shape[1]
    dx = 2 * dy
    dtable = np.zeros_like(table)
    dtable[:steps] = dy.sum(axis=0)
    return dx, dtable


def wrong_backward(dy, x, table):
    steps = x.shape[1]
    dx = 2 * dy
    dtable = np.zeros_like(table)
    dtable[:steps] = dy[0]
    return dx, dtable

import numpy as np

LABELS = {
    'id': 'b013',
    'op': 'sum of the top 3 by row',
    'family': 'off by one',
    'wrong_lines': [5],
    'fix': {5: 'for j in range(3):'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 7)),)


def forward(x):
    return np.sort(x, axis=1)[:, -3:].sum(axis=1)


def right_backward(dy, x):
    order = np.argsort(-x, axis=1)
    dx = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(3):
            dx[i, order[i, j]] = dy[i]
    return dx


def wrong_backward(dy, x):
    order = np.argsort(-x, axis=1)
    dx = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(2):
            dx[i, order[i, j]] = dy[i]
    return dx

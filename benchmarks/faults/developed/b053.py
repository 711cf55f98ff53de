import numpy as np

LABELS = {
    'id': 'b053',
    'op': 'weighted variance pooling',
    'family': 'in-place modification',
    'wrong_lines': [3],
    'fix': {3: 'centred = x.copy()'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)) + 1, rng.standard_normal(3)


def forward(x, w):
    return x.var(axis=0) * w + x.sum(axis=0) * w**2


def right_backward(dy, x, w):
    n = len(x)
    centred = x.copy()
    centred -= x.mean(axis=0)
    dx = 2 / n * centred * dy * w + dy * w**2
    dw = dy * (centred**2).mean(axis=0) + 2 * w * dy * x.sum(axis=0)
    return dx, dw


def wrong_backward(dy, x, w):
    n = len(x)
    centred = x
    centred -= x.mean(axis=0)
    dx = 2 / n * centred * dy * w + dy * w**2
    dw = dy * (centred**2).mean(axis=0) + 2 * w * dy * x.sum(axis=0)
    return dx, dw

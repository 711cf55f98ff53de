import numpy as np

LABELS = {
    'id': 'f038',
    'op': 'Cauchy robust loss with a learned width',
    'family': 'wrong factor',
    'wrong_lines': [4],
    'fix': {4: 'dr = g * r / (1 + q)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 8))
    return rng.standard_normal(n), rng.standard_normal(n), np.array([0.8])


def forward(pred, target, c):
    return c ** 2 / 2 * np.log1p(((pred - target) / c) ** 2)


def right_backward(g, pred, target, c):
    r = pred - target
    q = (r / c) ** 2
    dr = g * r / (1 + q)
    dc = g * (c * np.log1p(q) - r ** 2 / (c * (1 + q)))
    return dr, -dr, np.array([dc.sum()])


def wrong_backward(g, pred, target, c):
    r = pred - target
    q = (r / c) ** 2
    dr = g * 2 * r / (1 + q)
    dc = g * (c * np.log1p(q) - r ** 2 / (c * (1 + q)))
    return dr, -dr, np.array([dc.sum()])

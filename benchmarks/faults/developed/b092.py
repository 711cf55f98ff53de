import numpy as np

LABELS = {
    'id': 'b092',
    'op': 'sample covariance matrix',
    'family': 'wrong scale',
    'wrong_lines': [3],
    'fix': {3: 'dc = c @ (dcov + dcov.T) / (len(x) - 1)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6, 7]))
    return (rng.standard_normal((n, 3)),)


def forward(x):
    c = x - x.mean(axis=0)
    return c.T @ c / (len(x) - 1)


def right_backward(dcov, x):
    c = x - x.mean(axis=0)
    dc = c @ (dcov + dcov.T) / (len(x) - 1)
    return dc - dc.mean(axis=0)


def wrong_backward(dcov, x):
    c = x - x.mean(axis=0)
    dc = c @ (dcov + dcov.T) / len(x)
    return dc - dc.mean(axis=0)

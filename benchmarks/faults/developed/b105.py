import numpy as np

LABELS = {
    'id': 'b105',
    'op': 'quantile (pinball) loss',
    'family': 'wrong mask/branch',
    'wrong_lines': [3],
    'fix': {3: 'dr = np.where(under, 0.8, -0.2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6, 7]))
    return rng.standard_normal(n), rng.standard_normal(n)


def forward(pred, y):
    r = y - pred
    return np.where(r >= 0, 0.8 * r, -0.2 * r).mean()


def right_backward(dy, pred, y):
    under = y >= pred
    dr = np.where(under, 0.8, -0.2)
    dr = dr * dy / pred.size
    return -dr, dr


def wrong_backward(dy, pred, y):
    under = y >= pred
    dr = np.where(~under, 0.8, -0.2)
    dr = dr * dy / pred.size
    return -dr, dr

import numpy as np

LABELS = {
    'id': 'd035',
    'op': 'distance matrix of a point set with itself',
    'family': 'not finite',
    'wrong_lines': [4],
    'fix': {4: 'coef = dD / np.where(dist > 0, dist, 1.0)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((int(rng.integers(4, 6)), 3)),)


def forward(x):
    diff = x[:, None, :] - x[None, :, :]
    return np.sqrt((diff**2).sum(-1))


def right_backward(dD, x):
    diff = x[:, None, :] - x[None, :, :]
    dist = np.sqrt((diff**2).sum(-1))
    coef = dD / np.where(dist > 0, dist, 1.0)
    pull = coef[:, :, None] * diff
    return pull.sum(axis=1) - pull.sum(axis=0)


def wrong_backward(dD, x):
    diff = x[:, None, :] - x[None, :, :]
    dist = np.sqrt((diff**2).sum(-1))
    coef = dD / dist
    pull = coef[:, :, None] * diff
    return pull.sum(axis=1) - pull.sum(axis=0)

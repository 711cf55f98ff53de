import numpy as np

LABELS = {
    'id': 'b106',
    'op': 'soft thresholding with a learned threshold',
    'family': 'wrong mask/branch',
    'wrong_lines': [2, 4],
    'fix': {2: 'live = np.abs(x) > lam', 4: 'dlam = -(dy * live * np.sign(x)).sum(axis=0)'},
    'note': 'two lines',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)) * 2, rng.random(4) * 0.5 + 0.3


def forward(x, lam):
    return np.sign(x) * np.maximum(np.abs(x) - lam, 0)


def right_backward(dy, x, lam):
    live = np.abs(x) > lam
    dx = np.where(live, dy, 0.0)
    dlam = -(dy * live * np.sign(x)).sum(axis=0)
    return dx, dlam


def wrong_backward(dy, x, lam):
    live = x > lam
    dx = np.where(live, dy, 0.0)
    dlam = -(dy * live).sum(axis=0)
    return dx, dlam

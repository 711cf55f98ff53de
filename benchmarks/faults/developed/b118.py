import numpy as np

LABELS = {
    'id': 'b118',
    'op': 'attention with dropout on the weights',
    'family': 'wrong mask/branch',
    'wrong_lines': [6],
    'fix': {6: 'dp = (dy @ v.T) * keep'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 6)), rng.standard_normal((6, 3))


def _keep(shape):
    return (np.random.default_rng(9).random(shape) < 0.7) / 0.7


def forward(s, v):
    e = np.exp(s)
    return (e / e.sum(axis=1, keepdims=True) * _keep(s.shape)) @ v


def right_backward(dy, s, v):
    e = np.exp(s)
    p = e / e.sum(axis=1, keepdims=True)
    keep = _keep(s.shape)
    dv = (p * keep).T @ dy
    dp = (dy @ v.T) * keep
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    return ds, dv


def wrong_backward(dy, s, v):
    e = np.exp(s)
    p = e / e.sum(axis=1, keepdims=True)
    keep = _keep(s.shape)
    dv = (p * keep).T @ dy
    dp = dy @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True))
    return ds, dv

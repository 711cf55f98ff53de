import numpy as np

LABELS = {
    'id': 'b082',
    'op': 'two Sinkhorn normalisations',
    'family': 'detached path',
    'wrong_lines': [8],
    'fix': {8: 'dk = (da - (da * a).sum(axis=1, keepdims=True)) / row'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4]))
    return (rng.standard_normal((n, 5)),)


def forward(s):
    k = np.exp(s)
    k = k / k.sum(axis=1, keepdims=True)
    return k / k.sum(axis=0, keepdims=True)


def right_backward(dy, s):
    k = np.exp(s)
    row = k.sum(axis=1, keepdims=True)
    a = k / row
    col = a.sum(axis=0, keepdims=True)
    p = a / col
    da = (dy - (dy * p).sum(axis=0, keepdims=True)) / col
    dk = (da - (da * a).sum(axis=1, keepdims=True)) / row
    return dk * k


def wrong_backward(dy, s):
    k = np.exp(s)
    row = k.sum(axis=1, keepdims=True)
    a = k / row
    col = a.sum(axis=0, keepdims=True)
    p = a / col
    da = (dy - (dy * p).sum(axis=0, keepdims=True)) / col
    dk = da / row
    return dk * k

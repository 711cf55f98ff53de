import numpy as np

LABELS = {
    'id': 'b064',
    'op': 'softmax over the middle axis',
    'family': 'wrong axis',
    'wrong_lines': [4],
    'fix': {4: 'inner = (dy * p).sum(axis=1, keepdims=True)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 4, 3)),)


def forward(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def right_backward(dy, s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    inner = (dy * p).sum(axis=1, keepdims=True)
    return p * (dy - inner)


def wrong_backward(dy, s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    inner = (dy * p).sum(axis=-1, keepdims=True)
    return p * (dy - inner)

import numpy as np

LABELS = {
    'id': 'b067',
    'op': 'log-softmax',
    'family': 'wrong axis',
    'wrong_lines': [3],
    'fix': {3: 'return dy - p * dy.sum(axis=1, keepdims=True)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return (rng.standard_normal((n, 4)),)


def forward(z):
    return z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))


def right_backward(dy, z):
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return dy - p * dy.sum(axis=1, keepdims=True)


def wrong_backward(dy, z):
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return dy - p * dy.sum(axis=0, keepdims=True)

import numpy as np

LABELS = {
    'id': 'b051',
    'op': 'residual with dropout branch',
    'family': 'in-place modification',
    'wrong_lines': [2],
    'fix': {2: 'branch = dy * _mask(x.shape)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 6)), rng.standard_normal((6, 6))


def _mask(shape):
    return (np.random.default_rng(5).random(shape) < 0.75) / 0.75


def forward(x, w):
    return x + _mask(x.shape) * (x @ w)


def right_backward(dy, x, w):
    branch = dy * _mask(x.shape)
    dw = x.T @ branch
    return dy + branch @ w.T, dw


def wrong_backward(dy, x, w):
    branch = np.multiply(dy, _mask(x.shape), out=dy)
    dw = x.T @ branch
    return dy + branch @ w.T, dw

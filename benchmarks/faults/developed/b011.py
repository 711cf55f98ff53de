import numpy as np

LABELS = {
    'id': 'b011',
    'op': 'cumulative product',
    'family': 'not flipped',
    'wrong_lines': [4],
    'fix': {4: 'total = np.cumsum(w[:, ::-1], axis=1)[:, ::-1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5)) + 2,)


def forward(x):
    return np.cumprod(x, axis=1)


def right_backward(dy, x):
    y = np.cumprod(x, axis=1)
    w = dy * y
    total = np.cumsum(w[:, ::-1], axis=1)[:, ::-1]
    return total / x


def wrong_backward(dy, x):
    y = np.cumprod(x, axis=1)
    w = dy * y
    total = np.cumsum(w, axis=1)
    return total / x

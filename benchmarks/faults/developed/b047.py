import numpy as np

LABELS = {
    'id': 'b047',
    'op': 'absolute value',
    'family': 'dtype or integer division',
    'wrong_lines': [2],
    'fix': {2: 'positive = (x > 0).astype(np.float64)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5, 6]))
    return (rng.standard_normal((n, 4)),)


def forward(x):
    return np.abs(x)


def right_backward(dy, x):
    positive = (x > 0).astype(np.float64)
    sign = 2 * positive - 1
    return dy * sign


def wrong_backward(dy, x):
    positive = (x > 0).astype(np.uint8)
    sign = 2 * positive - 1
    return dy * sign

import numpy as np

LABELS = {
    'id': 'b149',
    'op': 'matrix exponential by a third-order series',
    'family': 'missing term',
    'wrong_lines': [5],
    'fix': {5: 'third = (t @ t @ dy + t @ dy @ t + dy @ t @ t) / 6'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (0.7 * rng.standard_normal((4, 4)),)


def forward(a):
    a2 = a @ a
    return np.eye(len(a)) + a + a2 / 2 + a2 @ a / 6


def right_backward(dy, a):
    t = a.T
    first = dy
    second = (t @ dy + dy @ t) / 2
    third = (t @ t @ dy + t @ dy @ t + dy @ t @ t) / 6
    return first + second + third


def wrong_backward(dy, a):
    t = a.T
    first = dy
    second = (t @ dy + dy @ t) / 2
    third = (t @ t @ dy + dy @ t @ t) / 6
    return first + second + third

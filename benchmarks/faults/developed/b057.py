import numpy as np

LABELS = {
    'id': 'b057',
    'op': 'Frobenius norm of a matrix',
    'family': 'missing upstream dy',
    'wrong_lines': [3],
    'fix': {3: 'return dy * a / norm'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return (rng.standard_normal((n, 4)),)


def forward(a):
    return np.sqrt(np.sum(a * a))


def right_backward(dy, a):
    norm = np.linalg.norm(a)
    return dy * a / norm


def wrong_backward(dy, a):
    norm = np.linalg.norm(a)
    return a / norm

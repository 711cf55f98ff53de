import numpy as np

LABELS = {
    'id': 'b025',
    'op': 'trace of a product',
    'family': 'transposed',
    'wrong_lines': [3],
    'fix': {3: 'grad_b = dy * a.T'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3, 4]))
    return rng.standard_normal((n, 5)), rng.standard_normal((5, n))


def forward(a, b):
    return np.trace(a @ b)


def right_backward(dy, a, b):
    grad_a = dy * b.T
    grad_b = dy * a.T
    return grad_a, grad_b


def wrong_backward(dy, a, b):
    grad_a = dy * b.T
    grad_b = dy * a.reshape(b.shape)
    return grad_a, grad_b

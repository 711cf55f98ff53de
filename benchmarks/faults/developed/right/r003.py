import numpy as np

LABELS = {
    'id': 'r003',
    'op': 'elementwise maximum with ties, gradient shared',
    'family': 'ties',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 5, 6))
    a[1, 2] = b[1, 2]
    a[4, 0] = b[4, 0] = 0.0
    return a, b


def forward(a, b):
    return np.maximum(a, b)


def right_backward(dy, a, b):
    share = np.where(a > b, 1.0, np.where(a == b, 0.5, 0.0))
    return dy * share, dy * (1 - share)

import numpy as np

LABELS = {
    'id': 't001',
    'op': 'absolute value of differences with exact zeros',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((4, 6))
    b = rng.standard_normal((4, 6))
    b[0, 3], b[2, 1], b[3, 5] = a[0, 3], a[2, 1], a[3, 5]
    return a, b


def forward(a, b):
    return np.abs(a - b)


def right_backward(g, a, b):
    s = g * np.sign(a - b)
    return s, -s

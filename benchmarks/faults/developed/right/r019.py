import numpy as np

LABELS = {
    'id': 'r019',
    'op': 'mean squared error of 5000 elements',
    'family': 'large size',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((50, 100)), rng.standard_normal((50, 100))


def forward(p, t):
    return np.mean((p - t) ** 2)


def right_backward(dy, p, t):
    d = 2 * dy * (p - t) / p.size
    return d, -d

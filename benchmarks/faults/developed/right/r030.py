import numpy as np

LABELS = {
    'id': 'r030',
    'op': 'clip with values exactly on the bounds',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = 2 * rng.random((5, 8)) - 0.5
    x[0, 0], x[3, 2], x[4, 7] = 0.0, 1.0, 1.0
    return (x,)


def forward(x):
    return np.clip(x, 0, 1) ** 2


def right_backward(dy, x):
    inside = (x >= 0) & (x <= 1)
    return dy * 2 * np.clip(x, 0, 1) * inside

import numpy as np

LABELS = {
    'id': 'r039',
    'op': 'loss multiplied by 1e12',
    'family': 'large scale',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 3))


def forward(p, t):
    return 1e12 * np.sum((p - t) ** 4, axis=1)


def right_backward(dy, p, t):
    d = 4e12 * dy[:, None] * (p - t) ** 3
    return d, -d

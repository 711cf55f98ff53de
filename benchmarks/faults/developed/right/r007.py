import numpy as np

LABELS = {
    'id': 'r007',
    'op': 'logarithm of counts of 1e12',
    'family': 'large inputs',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (1e12 * (rng.random((3, 5)) + 0.1),)


def forward(x):
    return np.log1p(x) ** 2


def right_backward(dy, x):
    return dy * 2 * np.log1p(x) / (1 + x)


STEP = lambda x: 0.1 * x

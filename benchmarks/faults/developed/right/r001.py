import numpy as np

LABELS = {
    'id': 'r001',
    'op': 'square root from 1e-10 to 100',
    'family': 'root near zero',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([1e-10, 1e-7, 1e-4, 0.3, 2.0, 100.0]) * (1 + 0.2 * rng.random(6)),)


def forward(x):
    return np.sqrt(x)


def right_backward(dy, x):
    return dy / (2 * np.sqrt(x))


STEP = lambda x: 0.1 * x

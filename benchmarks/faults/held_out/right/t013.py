import numpy as np

LABELS = {
    'id': 't013',
    'op': 'square root near 0',
    'family': 'powers near zero',
    'note': 'from 1e-14 to 1',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (10.0 ** np.array([[-14, -10, -7], [-4, -1, 0]]) * (1 + rng.random((2, 3))),)


def forward(x):
    return np.sqrt(x)


def right_backward(dy, x):
    return 0.5 * dy / np.sqrt(x)


STEP = lambda x: 0.1 * x

import numpy as np

LABELS = {
    'id': 'r032',
    'op': 'ReLU with inputs 1e-7 from the kink',
    'family': 'kinks nearby',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([1e-7, -1e-7, 3e-8, 0.4, -0.2, 1.0, -2e-7]) * (1 + 0.1 * rng.random(7)),)


def forward(x):
    return np.maximum(x, 0) * (1 + x)


def right_backward(dy, x):
    return dy * np.where(x > 0, 1 + 2 * x, 0)


STEP = lambda x: 0.1 * np.abs(x)

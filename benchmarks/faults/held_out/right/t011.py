import numpy as np

LABELS = {
    'id': 't011',
    'op': '√(x² + 1) - x for large x, written with cancellation',
    'family': 'cancellation',
    'note': 'forward loses up to eight digits',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([0.1, 3.0, 50.0, 900.0, 2e4]) * (1 + 0.1 * rng.random(5)),)


def forward(x):
    return np.sqrt(x**2 + 1) - x


def right_backward(dy, x):
    r = np.sqrt(x**2 + 1)
    return -dy / (r * (r + x))


STEP = lambda x: 0.2 * np.abs(x)
LEAST = 1e-3

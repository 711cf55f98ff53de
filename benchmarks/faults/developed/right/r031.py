import numpy as np

LABELS = {
    'id': 'r031',
    'op': 'smooth absolute value with eps 1e-6 around zero',
    'family': 'root near zero',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([0.0, 1e-7, -1e-6, 3e-6, 1e-3, -2.0]) * (1 + 0.1 * rng.random(6)),)


def forward(x):
    return np.sqrt(x**2 + 1e-12)


def right_backward(dy, x):
    return dy * x / np.sqrt(x**2 + 1e-12)


STEP = lambda x: np.maximum(2e-7, 0.1 * np.abs(x))

import numpy as np

LABELS = {
    'id': 't009',
    'op': 'columns in units of 1e-9, 1 and 1e9',
    'family': 'several decades',
    'note': 'one matrix, gradients from 1e-9 to 1e9',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (0.5 + rng.random((4, 3))) * np.array([1e-9, 1.0, 1e9]), rng.standard_normal(3) * np.array([1e9, 1.0, 1e-9])


def forward(x, w):
    return np.sin(x @ w)


def right_backward(g, x, w):
    c = g * np.cos(x @ w)
    return np.outer(c, w), x.T @ c


STEP = lambda x: 0.1 * np.abs(x)

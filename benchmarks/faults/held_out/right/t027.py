import numpy as np

LABELS = {
    'id': 't027',
    'op': 'smoothed absolute value √(x² + 1e-12) at 0',
    'family': 'near singular',
    'note': 'curvature of 1e6',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 3))
    x[0, 0] = 0.0
    x[1, 2] = 3e-7
    return (x,)


def forward(x):
    return np.sqrt(x**2 + 1e-12)


def right_backward(g, x):
    return g * x / np.sqrt(x**2 + 1e-12)


STEP = lambda x: np.full(x.shape, 3e-7)

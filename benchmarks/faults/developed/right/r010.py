import numpy as np

LABELS = {
    'id': 'r010',
    'op': 'saturated sigmoid',
    'family': 'saturation',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([[-40.0, -20.0, -5.0, 0.0], [5.0, 20.0, 36.0, 50.0]]) + 0.1 * rng.random((2, 4)),)


def forward(x):
    return 1 / (1 + np.exp(-x))


def right_backward(dy, x):
    s = 1 / (1 + np.exp(-x))
    return dy * s * (1 - s)

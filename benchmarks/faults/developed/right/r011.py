import numpy as np

LABELS = {
    'id': 'r011',
    'op': 'saturated tanh units before a linear layer',
    'family': 'saturation',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 4)) * 10
    x[0, 0], x[2, 1] = 25.0, -30.0
    return x, rng.standard_normal((4, 2))


def forward(x, w):
    return np.tanh(x) @ w


def right_backward(dy, x, w):
    h = np.tanh(x)
    return (dy @ w.T) * (1 - h**2), h.T @ dy

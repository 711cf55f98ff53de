import numpy as np

LABELS = {
    'id': 'r050',
    'op': 'softplus and log-sigmoid, inputs to 900',
    'family': 'overflow-safe formula',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = 4 * rng.standard_normal((2, 6))
    x[0, 1], x[1, 5] = 900.0, -900.0
    return (x,)


def forward(x):
    tail = np.log1p(np.exp(-np.abs(x)))
    return np.stack([np.maximum(x, 0) + tail, np.minimum(x, 0) - tail])


def right_backward(dy, x):
    e = np.exp(-np.abs(x))
    s = np.where(x >= 0, 1, e) / (1 + e)
    c = np.where(x >= 0, e, 1) / (1 + e)
    return dy[0] * s + dy[1] * c

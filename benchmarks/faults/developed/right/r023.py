import numpy as np

LABELS = {
    'id': 'r023',
    'op': 'log cosh without overflow, inputs to 800',
    'family': 'overflow-safe formula',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = 3 * rng.standard_normal((3, 5))
    x[0, 0], x[1, 4], x[2, 2] = 800.0, -750.0, 0.0
    return (x,)


def forward(x):
    a = np.abs(x)
    return a + np.log1p(np.exp(-2 * a)) - np.log(2)


def right_backward(dy, x):
    return dy * np.tanh(x)

import numpy as np

LABELS = {
    'id': 't015',
    'op': 'x^p with a learnt power, x near 0',
    'family': 'powers near zero',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.array([1e-9, 1e-5, 0.02, 0.7, 3.0]), np.array([0.3])


def forward(x, p):
    return x**p


def right_backward(g, x, p):
    y = x**p
    return g * p * y / x, np.array([np.sum(g * y * np.log(x))])


STEP = lambda x: 0.1 * np.abs(x)

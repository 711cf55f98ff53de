import numpy as np

LABELS = {
    'id': 'r017',
    'op': 'Planck-like curve over sixteen decades of the input',
    'family': 'several decades',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.logspace(-8, 2, 11) * (1 + 0.1 * rng.random(11)),)


def forward(x):
    return x**3 / np.expm1(x)


def right_backward(dy, x):
    e = np.expm1(x)
    return dy * (3 * x**2 / e - x**3 * (e + 1) / e**2)


STEP = lambda x: 0.1 * x
LEAST = 1e-3

import numpy as np

LABELS = {
    'id': 'r038',
    'op': 'fractional part, values 1e-5 below an integer',
    'family': 'discontinuity nearby',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([0.3, 1.99999, 2.00001, -0.4, 7.5, -2.00001]), rng.standard_normal(6))


def forward(x, w):
    return (x - np.floor(x)) * w


def right_backward(dy, x, w):
    return dy * w, dy * (x - np.floor(x))


STEP = 1e-7

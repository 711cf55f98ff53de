import numpy as np

LABELS = {
    'id': 'r016',
    'op': 'logarithm of one plus a tiny number, naive',
    'family': 'cancellation',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (1e-5 * (rng.random((3, 4)) - 0.5),)


def forward(x):
    return np.log(1 + x)


def right_backward(dy, x):
    return dy / (1 + x)

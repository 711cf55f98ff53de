import numpy as np

LABELS = {
    'id': 'r018',
    'op': 'norm of a vector that spans six decades',
    'family': 'several decades',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.logspace(-3, 3, 7) * rng.choice([-1, 1], 7),)


def forward(x):
    return np.sqrt(np.sum(x**2))


def right_backward(dy, x):
    return dy * x / np.sqrt(np.sum(x**2))


STEP = lambda x: 0.3 * np.abs(x)

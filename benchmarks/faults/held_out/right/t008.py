import numpy as np

LABELS = {
    'id': 't008',
    'op': 'inputs of size 1e12',
    'family': 'large inputs',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (1e12 * (1 + rng.random((3, 4))),)


def forward(x):
    return np.sqrt(x) / (1 + 1e-6 * np.sqrt(x))


def right_backward(dy, x):
    r = np.sqrt(x)
    return dy * 0.5 / r / (1 + 1e-6 * r) ** 2


STEP = lambda x: 0.1 * np.abs(x)

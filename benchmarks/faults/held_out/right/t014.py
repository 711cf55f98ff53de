import numpy as np

LABELS = {
    'id': 't014',
    'op': 'reciprocal on both sides of 0',
    'family': 'near singular',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([-2.0, -1e-4, 3e-7, 1e-3, 5.0]),)


def forward(x):
    return 1 / x


def right_backward(dy, x):
    return -dy / x**2


STEP = lambda x: 0.1 * np.abs(x)

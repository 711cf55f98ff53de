import numpy as np

LABELS = {
    'id': 'r047',
    'op': 'squares of lengths of 1e-12',
    'family': 'small scale',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return ((rng.random((n, 4)) + 0.5) * 1e-12,)


def forward(x):
    return x**2


def right_backward(dy, x):
    return 2 * dy * x


STEP = lambda x: 0.1 * x

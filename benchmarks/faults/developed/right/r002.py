import numpy as np

LABELS = {
    'id': 'r002',
    'op': 'reciprocal of small numbers of both signs',
    'family': '1/x near zero',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.array([[1e-6, -3e-5, 0.02], [-0.7, 5.0, -4e3]]) * (1 + 0.1 * rng.random((2, 3))),)


def forward(x):
    return 1 / x


def right_backward(dy, x):
    y = 1 / x
    return -dy * y * y


STEP = lambda x: 0.1 * np.abs(x)

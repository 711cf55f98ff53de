import numpy as np

LABELS = {
    'id': 't007',
    'op': 'loss in units of 1e-12',
    'family': 'small scale',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 3)), rng.standard_normal((3, 2))


def forward(x, w):
    return 1e-12 * np.tanh(x @ w)


def right_backward(dy, x, w):
    d = 1e-12 * dy * (1 - np.tanh(x @ w) ** 2)
    return d @ w.T, x.T @ d

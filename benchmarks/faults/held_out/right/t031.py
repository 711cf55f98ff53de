import numpy as np

LABELS = {
    'id': 't031',
    'op': 'options given by position: an integer and a word',
    'family': 'integer inputs',
    'note': 'forward takes a Python int and a str',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 6)), 2, "mean"


def forward(x, window, mode):
    y = x.reshape(len(x), -1, window).sum(axis=2)
    return y / window if mode == "mean" else y


def right_backward(g, x, window, mode):
    dx = np.repeat(g, window, axis=1)
    return (dx / window if mode == "mean" else dx), None, None

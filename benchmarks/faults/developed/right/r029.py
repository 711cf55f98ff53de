import numpy as np

LABELS = {
    'id': 'r029',
    'op': 'median of an even number of values',
    'family': 'kinks',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((5, 6))
    x[1, 0] = x[1, 3] = np.sort(x[1])[0] - 0.5
    return (x,)


def forward(x):
    s = np.sort(x, axis=1)
    return (s[:, 2] + s[:, 3]) / 2


def right_backward(dy, x):
    order = np.argsort(x, axis=1, kind="stable")
    dx = np.zeros_like(x)
    rows = np.arange(len(x))
    for k in (2, 3):
        dx[rows, order[:, k]] += dy / 2
    return dx

import numpy as np

LABELS = {
    'id': 'r201',
    'op': 'trimmed mean of each row, ties at the border of the trimming',
    'family': 'ties',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (np.round(rng.standard_normal((3, 6)) * 1.5), rng.standard_normal((3, 6)))


def forward(x, w):
    return np.sort(x, axis=1)[:, 1:-1].mean(axis=1) + (x * w).mean(axis=1)


def right_backward(dy, x, w):
    n = x.shape[1]
    order = np.argsort(x, axis=1, kind="stable")
    dx = np.zeros_like(x)
    np.put_along_axis(dx, order[:, 1:-1], (dy / (n - 2))[:, None], axis=1)
    return dx + dy[:, None] * w / n, dy[:, None] * x / n

import numpy as np

LABELS = {
    'id': 'b046',
    'op': 'linear resize to a longer signal',
    'family': 'dtype or integer division',
    'wrong_lines': [5],
    'fix': {5: 'pos = o * (n - 1) / (m - 1)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 4)),)


def forward(x):
    n, m = x.shape[1], 9
    pos = np.arange(m) * (n - 1) / (m - 1)
    i = np.minimum(np.floor(pos).astype(int), n - 2)
    f = pos - i
    return (1 - f) * x[:, i] + f * x[:, i + 1]


def right_backward(dy, x):
    n, m = x.shape[1], dy.shape[1]
    dx = np.zeros_like(x)
    for o in range(m):
        pos = o * (n - 1) / (m - 1)
        i = min(int(pos), n - 2)
        f = pos - i
        dx[:, i] += (1 - f) * dy[:, o]
        dx[:, i + 1] += f * dy[:, o]
    return dx


def wrong_backward(dy, x):
    n, m = x.shape[1], dy.shape[1]
    dx = np.zeros_like(x)
    for o in range(m):
        pos = o * (n - 1) // (m - 1)
        i = min(int(pos), n - 2)
        f = pos - i
        dx[:, i] += (1 - f) * dy[:, o]
        dx[:, i + 1] += f * dy[:, o]
    return dx

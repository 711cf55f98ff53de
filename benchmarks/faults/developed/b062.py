import numpy as np

LABELS = {
    'id': 'b062',
    'op': 'row norms, one row is zero',
    'family': 'not finite',
    'wrong_lines': [3],
    'fix': {3: 'safe = np.where(n > 0, n, 1.0)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((int(rng.integers(4, 6)), 3))
    x[2] = 0.0
    return (x,)


def forward(x):
    return np.sqrt((x**2).sum(axis=1))


def right_backward(g, x):
    n = np.sqrt((x**2).sum(axis=1, keepdims=True))
    safe = np.where(n > 0, n, 1.0)
    return g[:, None] * x / safe


def wrong_backward(g, x):
    n = np.sqrt((x**2).sum(axis=1, keepdims=True))
    safe = n
    return g[:, None] * x / safe

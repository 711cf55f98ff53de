import numpy as np

LABELS = {
    'id': 'd029',
    'op': 'reciprocal square root by three Newton iterations',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [10],
    'fix': {10: 'insert before: y = ys[k]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.uniform(0.4, 2.5, int(rng.integers(5, 9))),)


def forward(x):
    y = np.full_like(x, 0.5)
    for _ in range(3):
        y = y * (1.5 - 0.5 * x * y * y)
    return y


def right_backward(dout, x):
    ys = []
    y = np.full_like(x, 0.5)
    for _ in range(3):
        ys.append(y)
        y = y * (1.5 - 0.5 * x * y * y)
    dx = np.zeros_like(x)
    dy = dout
    for k in reversed(range(3)):
        y = ys[k]
        dx += dy * (-0.5 * y**3)
        dy = dy * (1.5 - 1.5 * x * y * y)
    return dx


def wrong_backward(dout, x):
    ys = []
    y = np.full_like(x, 0.5)
    for _ in range(3):
        ys.append(y)
        y = y * (1.5 - 0.5 * x * y * y)
    dx = np.zeros_like(x)
    dy = dout
    for k in reversed(range(3)):
        dx += dy * (-0.5 * y**3)
        dy = dy * (1.5 - 1.5 * x * y * y)
    return dx

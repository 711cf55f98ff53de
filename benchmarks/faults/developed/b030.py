import numpy as np

LABELS = {
    'id': 'b030',
    'op': 'Horner evaluation of a polynomial',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [10],
    'fix': {10: 'g = g * x'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 6]))
    return rng.standard_normal(5), rng.standard_normal(n)


def forward(c, x):
    y = np.zeros_like(x)
    for k in range(len(c) - 1, -1, -1):
        y = y * x + c[k]
    return y


def right_backward(dy, c, x):
    partial = [np.zeros_like(x)]
    for k in range(len(c) - 1, -1, -1):
        partial.append(partial[-1] * x + c[k])
    dc, dx = np.zeros_like(c), np.zeros_like(x)
    g = dy.copy()
    for k in range(len(c)):
        dc[k] = g.sum()
        dx += g * partial[len(c) - 1 - k]
        g = g * x
    return dc, dx


def wrong_backward(dy, c, x):
    partial = [np.zeros_like(x)]
    for k in range(len(c) - 1, -1, -1):
        partial.append(partial[-1] * x + c[k])
    dc, dx = np.zeros_like(c), np.zeros_like(x)
    g = dy.copy()
    for k in range(len(c)):
        dc[k] = g.sum()
        dx += g * partial[len(c) - 1 - k]
        g = dy * x
    return dc, dx

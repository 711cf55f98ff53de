import numpy as np

LABELS = {
    'id': 'c056',
    'op': 'product of complex signals kept as two channels',
    'family': 'sign',
    'wrong_lines': [3, 4],
    'fix': {3: 'db_re = g[0] * a[0] + g[1] * a[1]', 4: 'db_im = g[1] * a[0] - g[0] * a[1]'},
    'note': 'two lines',
    'source': 'complex-valued networks (the conjugate)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 7 + seed % 4
    return rng.standard_normal((2, n)), rng.standard_normal((2, n))


def forward(a, b):
    return np.stack([a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]])


def right_backward(g, a, b):
    da = np.stack([g[0] * b[0] + g[1] * b[1], g[1] * b[0] - g[0] * b[1]])
    db_re = g[0] * a[0] + g[1] * a[1]
    db_im = g[1] * a[0] - g[0] * a[1]
    return da, np.stack([db_re, db_im])


def wrong_backward(g, a, b):
    da = np.stack([g[0] * b[0] + g[1] * b[1], g[1] * b[0] - g[0] * b[1]])
    db_re = g[0] * a[0] - g[1] * a[1]
    db_im = g[1] * a[0] + g[0] * a[1]
    return da, np.stack([db_re, db_im])

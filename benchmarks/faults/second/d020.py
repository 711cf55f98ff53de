import numpy as np

LABELS = {
    'id': 'd020',
    'op': 'generalised mean (GeM) pooling with a learned exponent',
    'family': 'wrong factor',
    'wrong_lines': [9],
    'fix': {9: 'dp = dy * y * (dlogm / p - np.log(m) / p**2)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.3, 2, (2, int(rng.integers(2, 4)), 3, 3)), np.array([2.6])


def forward(x, p):
    return np.mean(x**p, axis=(2, 3)) ** (1 / p)


def right_backward(dy, x, p):
    n, c, h, w = x.shape
    xp = x**p
    m = xp.mean(axis=(2, 3))
    y = m ** (1 / p)
    dm = dy * y / (p * m)
    dx = dm[:, :, None, None] * p * x ** (p - 1) / (h * w)
    dlogm = (xp * np.log(x)).mean(axis=(2, 3)) / m
    dp = dy * y * (dlogm / p - np.log(m) / p**2)
    return dx, np.sum(dp).reshape(1)


def wrong_backward(dy, x, p):
    n, c, h, w = x.shape
    xp = x**p
    m = xp.mean(axis=(2, 3))
    y = m ** (1 / p)
    dm = dy * y / (p * m)
    dx = dm[:, :, None, None] * p * x ** (p - 1) / (h * w)
    dlogm = (xp * np.log(x)).mean(axis=(2, 3)) / m
    dp = dy * y * (dlogm / p - np.log(m) / p)
    return dx, np.sum(dp).reshape(1)

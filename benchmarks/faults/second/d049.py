import numpy as np

LABELS = {
    'id': 'd049',
    'op': 'circular 2d convolution on a torus, 3 x 3 kernel',
    'family': 'not flipped',
    'wrong_lines': [6],
    'fix': {6: 'gu += k[i, j] * np.roll(gout, (1 - i, 1 - j), axis=(0, 1))'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((int(rng.integers(4, 6)), 5)), rng.standard_normal((3, 3))


def forward(u, k):
    out = np.zeros_like(u)
    for i in range(3):
        for j in range(3):
            out += k[i, j] * np.roll(u, (i - 1, j - 1), axis=(0, 1))
    return out


def right_backward(gout, u, k):
    gu, gk = np.zeros_like(u), np.zeros_like(k)
    for i in range(3):
        for j in range(3):
            gk[i, j] = np.vdot(gout, np.roll(u, (i - 1, j - 1), axis=(0, 1)))
            gu += k[i, j] * np.roll(gout, (1 - i, 1 - j), axis=(0, 1))
    return gu, gk


def wrong_backward(gout, u, k):
    gu, gk = np.zeros_like(u), np.zeros_like(k)
    for i in range(3):
        for j in range(3):
            gk[i, j] = np.vdot(gout, np.roll(u, (i - 1, j - 1), axis=(0, 1)))
            gu += k[i, j] * np.roll(gout, (i - 1, j - 1), axis=(0, 1))
    return gu, gk

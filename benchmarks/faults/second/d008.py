import numpy as np

LABELS = {
    'id': 'd008',
    'op': 'highway layer',
    'family': 'in-place modification',
    'wrong_lines': [4, 5],
    'fix': {4: 'diff = h - x', 5: 'dat = dy * diff * t * (1 - t)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    d = int(rng.integers(3, 5))
    r = lambda *s: rng.standard_normal(s)
    return r(4, d), r(d, d), r(d), r(d, d), r(d) - 0.5


def forward(x, Wh, bh, Wt, bt):
    t = 1 / (1 + np.exp(-(x @ Wt + bt)))
    return t * np.tanh(x @ Wh + bh) + (1 - t) * x


def right_backward(dy, x, Wh, bh, Wt, bt):
    h = np.tanh(x @ Wh + bh)
    t = 1 / (1 + np.exp(-(x @ Wt + bt)))
    diff = h - x
    dat = dy * diff * t * (1 - t)
    dah = dy * t * (1 - h**2)
    dx = dy * (1 - t) + dat @ Wt.T + dah @ Wh.T
    return dx, x.T @ dah, dah.sum(0), x.T @ dat, dat.sum(0)


def wrong_backward(dy, x, Wh, bh, Wt, bt):
    h = np.tanh(x @ Wh + bh)
    t = 1 / (1 + np.exp(-(x @ Wt + bt)))
    h -= x
    dat = dy * h * t * (1 - t)
    dah = dy * t * (1 - h**2)
    dx = dy * (1 - t) + dat @ Wt.T + dah @ Wh.T
    return dx, x.T @ dah, dah.sum(0), x.T @ dat, dat.sum(0)

import numpy as np

LABELS = {
    'id': 'b027',
    'op': 'trapezoidal integral over uneven nodes',
    'family': 'off by one',
    'wrong_lines': [5],
    'fix': {5: 'df[1:] += dt'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([5, 6, 7]))
    return rng.standard_normal(n), np.sort(rng.random(n))


def forward(f, t):
    return np.sum((t[1:] - t[:-1]) * (f[1:] + f[:-1])) / 2


def right_backward(dy, f, t):
    dt = np.diff(t)
    df = np.zeros_like(f)
    df[:-1] += dt
    df[1:] += dt
    s = f[1:] + f[:-1]
    gt = np.zeros_like(t)
    gt[1:] += s
    gt[:-1] -= s
    return dy * df / 2, dy * gt / 2


def wrong_backward(dy, f, t):
    dt = np.diff(t)
    df = np.zeros_like(f)
    df[:-1] += dt
    df[:-1] += dt
    s = f[1:] + f[:-1]
    gt = np.zeros_like(t)
    gt[1:] += s
    gt[:-1] -= s
    return dy * df / 2, dy * gt / 2

import numpy as np

LABELS = {
    'id': 'b032',
    'op': 'gated linear unit',
    'family': 'wrong variable',
    'wrong_lines': [5],
    'fix': {5: 'db = dout * a * gate * (1 - gate)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3, 4]))
    return (rng.standard_normal((n, 6)),)


def forward(x):
    a, b = np.split(x, 2, axis=1)
    return a / (1 + np.exp(-b))


def right_backward(dout, x):
    a, b = np.split(x, 2, axis=1)
    gate = 1 / (1 + np.exp(-b))
    da = dout * gate
    db = dout * a * gate * (1 - gate)
    return np.concatenate((da, db), axis=1)


def wrong_backward(dout, x):
    a, b = np.split(x, 2, axis=1)
    gate = 1 / (1 + np.exp(-b))
    da = dout * gate
    db = dout * b * gate * (1 - gate)
    return np.concatenate((da, db), axis=1)

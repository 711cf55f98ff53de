import numpy as np

LABELS = {
    'id': 'b135',
    'op': 'squared distance weighted by the first operand, two buffers',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [2],
    'fix': {2: 'da, db = np.zeros_like(a), np.zeros_like(b)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 5]))
    return rng.standard_normal((n, 4)), rng.standard_normal((n, 4))


def forward(a, b):
    return ((a - b) ** 2 * a).sum(axis=1)


def right_backward(dy, a, b):
    da, db = np.zeros_like(a), np.zeros_like(b)
    for i in range(a.shape[0]):
        d = a[i] - b[i]
        da[i] += dy[i] * (2 * d * a[i] + d**2)
        db[i] -= dy[i] * 2 * d * a[i]
    return da, db


def wrong_backward(dy, a, b):
    da = db = np.zeros_like(a)
    for i in range(a.shape[0]):
        d = a[i] - b[i]
        da[i] += dy[i] * (2 * d * a[i] + d**2)
        db[i] -= dy[i] * 2 * d * a[i]
    return da, db

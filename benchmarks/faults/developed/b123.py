import numpy as np

LABELS = {
    'id': 'b123',
    'op': 'gated linear recurrence h = a h + b x',
    'family': 'off by one',
    'wrong_lines': [9],
    'fix': {9: 'da[t] = carry * h[t - 1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((4, 3)), rng.standard_normal((4, 3))


def forward(a, bx):
    h, out = np.zeros(bx.shape[1]), np.empty_like(bx)
    for t in range(len(bx)):
        h = a[t] * h + bx[t]
        out[t] = h
    return out


def right_backward(dy, a, bx):
    h = forward(a, bx)
    da, db = np.zeros_like(a), np.zeros_like(bx)
    carry = np.zeros(bx.shape[1])
    for t in range(len(bx) - 1, -1, -1):
        carry = carry + dy[t]
        db[t] = carry
        if t > 0:
            da[t] = carry * h[t - 1]
        carry = carry * a[t]
    return da, db


def wrong_backward(dy, a, bx):
    h = forward(a, bx)
    da, db = np.zeros_like(a), np.zeros_like(bx)
    carry = np.zeros(bx.shape[1])
    for t in range(len(bx) - 1, -1, -1):
        carry = carry + dy[t]
        db[t] = carry
        if t > 0:
            da[t] = carry * h[t]
        carry = carry * a[t]
    return da, db

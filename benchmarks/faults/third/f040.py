import numpy as np

LABELS = {
    'id': 'f040',
    'op': 'slot attention: softmax over slots, then weighted mean over inputs',
    'family': 'wrong axis',
    'wrong_lines': [10],
    'fix': {10: 'ds = a * (da - (da * a).sum(axis=0, keepdims=True))'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    return rng.standard_normal((3, 2)), rng.standard_normal((n, 2)), rng.standard_normal((n, 3))


def forward(slots, k, v):
    s = slots @ k.T
    a = np.exp(s - s.max(0))
    a = a / a.sum(0)
    return a / a.sum(1, keepdims=True) @ v


def right_backward(dupd, slots, k, v):
    s = slots @ k.T
    a = np.exp(s - s.max(axis=0, keepdims=True))
    a /= a.sum(axis=0, keepdims=True)
    total = a.sum(axis=1, keepdims=True)
    w = a / total
    dv = w.T @ dupd
    dw = dupd @ v.T
    da = (dw - (dw * w).sum(axis=1, keepdims=True)) / total
    ds = a * (da - (da * a).sum(axis=0, keepdims=True))
    return ds @ k, ds.T @ slots, dv


def wrong_backward(dupd, slots, k, v):
    s = slots @ k.T
    a = np.exp(s - s.max(axis=0, keepdims=True))
    a /= a.sum(axis=0, keepdims=True)
    total = a.sum(axis=1, keepdims=True)
    w = a / total
    dv = w.T @ dupd
    dw = dupd @ v.T
    da = (dw - (dw * w).sum(axis=1, keepdims=True)) / total
    ds = a * (da - (da * a).sum(axis=1, keepdims=True))
    return ds @ k, ds.T @ slots, dv

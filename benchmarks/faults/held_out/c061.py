import numpy as np

LABELS = {
    'id': 'c061',
    'op': 'low-rank adapter W x + s B A x',
    'family': 'wrong scale',
    'wrong_lines': [5, 8],
    'fix': {5: 'db = s * low.T @ dy', 8: 'dx = dy @ w.T + dlow @ a.T'},
    'note': 'two lines',
    'source': 'LoRA ports (the scaling α/r is in one place only)',
}


ALPHA = 6.0


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 5)), rng.standard_normal((5, 3)), rng.standard_normal((5, 2)), rng.standard_normal((2, 3))


def forward(x, w, a, b):
    return x @ w + ALPHA / a.shape[1] * (x @ a) @ b


def right_backward(dy, x, w, a, b):
    s = ALPHA / a.shape[1]
    low = x @ a
    dlow = s * dy @ b.T
    db = s * low.T @ dy
    da = x.T @ dlow
    dw = x.T @ dy
    dx = dy @ w.T + dlow @ a.T
    return dx, dw, da, db


def wrong_backward(dy, x, w, a, b):
    s = ALPHA / a.shape[1]
    low = x @ a
    dlow = s * dy @ b.T
    db = low.T @ dy
    da = x.T @ dlow
    dw = x.T @ dy
    dx = dy @ w.T + s * dlow @ a.T
    return dx, dw, da, db

import numpy as np

LABELS = {
    'id': 'c004',
    'op': 'cumulative product with a zero',
    'family': 'not finite',
    'wrong_lines': [5],
    'fix': {5: 'dx = np.where(np.any(x == 0, axis=1, keepdims=True), excluded(x, g), tail / x)'},
    'note': '',
    'source': 'tensorflow/tensorflow#3862, tracel-ai/burn#3864 (division by an input that is 0)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 5))
    x[1, 2] = 0.0
    return (x,)


def forward(x):
    return np.cumprod(x, axis=1)


def excluded(x, g):
    n = x.shape[1]
    out = np.zeros_like(x)
    for i in range(n):
        rest = x.copy()
        rest[:, i] = 1.0
        out[:, i] = (g * np.cumprod(rest, axis=1))[:, i:].sum(axis=1)
    return out


def right_backward(g, x):
    y = np.cumprod(x, axis=1)
    tail = np.cumsum((g * y)[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(all="ignore"):
        dx = np.where(np.any(x == 0, axis=1, keepdims=True), excluded(x, g), tail / x)
    return dx


def wrong_backward(g, x):
    y = np.cumprod(x, axis=1)
    tail = np.cumsum((g * y)[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(all="ignore"):
        dx = tail / x
    return dx

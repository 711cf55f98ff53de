import numpy as np

LABELS = {
    'id': 'b042',
    'op': 'instance norm',
    'family': 'eps placement',
    'wrong_lines': [8],
    'fix': {8: 'return d / np.sqrt(var + 1e-2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 4, 6]))
    return (rng.standard_normal((n, 3, 5)) * 0.3,)


def forward(x):
    m = x.mean(axis=-1, keepdims=True)
    return (x - m) / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-2)


def right_backward(dy, x):
    xc = x - x.mean(axis=-1, keepdims=True)
    var = np.mean(xc * xc, axis=-1, keepdims=True)
    inv_std = 1.0 / np.sqrt(var + 1e-2)
    y = xc * inv_std
    d = dy - dy.mean(axis=-1, keepdims=True)
    d = d - y * np.mean(dy * y, axis=-1, keepdims=True)
    return d / np.sqrt(var + 1e-2)


def wrong_backward(dy, x):
    xc = x - x.mean(axis=-1, keepdims=True)
    var = np.mean(xc * xc, axis=-1, keepdims=True)
    inv_std = 1.0 / np.sqrt(var + 1e-2)
    y = xc * inv_std
    d = dy - dy.mean(axis=-1, keepdims=True)
    d = d - y * np.mean(dy * y, axis=-1, keepdims=True)
    return d / np.sqrt(var)

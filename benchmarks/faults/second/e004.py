import numpy as np

LABELS = {
    'id': 'e004',
    'op': 'RMSNorm with gain',
    'family': 'wrong scale',
    'wrong_lines': [7],
    'fix': {7: 'proj = (g * xn).mean(axis=-1, keepdims=True)'},
    'note': '',
    'source': 'Triton RMSNorm backward (mean over the row in the projection term)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3 + seed % 2, 6)), rng.standard_normal(6)


def forward(x, w):
    ms = np.mean(x * x, axis=-1, keepdims=True)
    return x / np.sqrt(ms + 1e-6) * w


def right_backward(dy, x, w):
    n = x.shape[-1]
    r = 1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6)
    xn = x * r
    dw = (dy * xn).reshape(-1, n).sum(axis=0)
    g = dy * w
    proj = (g * xn).mean(axis=-1, keepdims=True)
    dx = r * (g - xn * proj)
    return dx, dw


def wrong_backward(dy, x, w):
    n = x.shape[-1]
    r = 1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6)
    xn = x * r
    dw = (dy * xn).reshape(-1, n).sum(axis=0)
    g = dy * w
    proj = (g * xn).sum(axis=-1, keepdims=True)
    dx = r * (g - xn * proj)
    return dx, dw

import numpy as np

LABELS = {
    'id': 'd011',
    'op': 'squeeze-and-excitation block',
    'family': 'detached path',
    'wrong_lines': [16],
    'fix': {16: 'insert before: dx += (dpre @ W1.T)[:, :, None, None] / (H * W)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    c, r = 4, 2
    x = rng.standard_normal((2, c, 3, 2)) + 0.6
    return x, np.abs(rng.standard_normal((c, r))) + 0.2, rng.standard_normal((r, c))


def forward(x, W1, W2):
    z = x.mean(axis=(2, 3))
    s = 1 / (1 + np.exp(-np.maximum(z @ W1, 0) @ W2))
    return x * s[:, :, None, None]


def right_backward(dout, x, W1, W2):
    N, C, H, W = x.shape
    # forward again: squeeze, excite
    z = x.mean(axis=(2, 3))
    pre = z @ W1
    h = np.maximum(pre, 0)
    s = 1 / (1 + np.exp(-h @ W2))
    # scale
    ds = (dout * x).sum(axis=(2, 3))
    # excite
    dlogit = ds * s * (1 - s)
    dW2 = h.T @ dlogit
    dpre = (dlogit @ W2.T) * (pre > 0)
    dW1 = z.T @ dpre
    dx = dout * s[:, :, None, None]
    dx += (dpre @ W1.T)[:, :, None, None] / (H * W)
    return dx, dW1, dW2


def wrong_backward(dout, x, W1, W2):
    N, C, H, W = x.shape
    # forward again: squeeze, excite
    z = x.mean(axis=(2, 3))
    pre = z @ W1
    h = np.maximum(pre, 0)
    s = 1 / (1 + np.exp(-h @ W2))
    # scale
    ds = (dout * x).sum(axis=(2, 3))
    # excite
    dlogit = ds * s * (1 - s)
    dW2 = h.T @ dlogit
    dpre = (dlogit @ W2.T) * (pre > 0)
    dW1 = z.T @ dpre
    dx = dout * s[:, :, None, None]
    return dx, dW1, dW2

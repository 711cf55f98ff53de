import numpy as np

LABELS = {
    'id': 'f008',
    'op': 'convolution 3d over a clip, stride 2 in time',
    'family': 'wrong stride/padding',
    'wrong_lines': [14],
    'fix': {14: 'dx[:, t * st:t * st + kt, i:i + kh, j:j + kw] += np.tensordot(g, w, axes=1)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(5, 7))
    return rng.standard_normal((1, T, 3, 3)), rng.standard_normal((2, 1, 2, 2, 2)), rng.standard_normal(2)


def forward(x, w, b):
    v = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(1, 2, 3))[:, ::2]
    return np.einsum("cthwijk,ocijk->othw", v, w) + b[:, None, None, None]


def right_backward(dout, x, w, b):
    O, T, H, W = dout.shape
    kt, kh, kw = w.shape[2:]
    st = 2
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    db = dout.sum(axis=(1, 2, 3))
    for t in range(T):
        for i in range(H):
            for j in range(W):
                g = dout[:, t, i, j]
                patch = x[:, t * st:t * st + kt, i:i + kh, j:j + kw]
                dw += g[:, None, None, None, None] * patch[None]
                dx[:, t * st:t * st + kt, i:i + kh, j:j + kw] += np.tensordot(g, w, axes=1)
    return dx, dw, db


def wrong_backward(dout, x, w, b):
    O, T, H, W = dout.shape
    kt, kh, kw = w.shape[2:]
    st = 2
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    db = dout.sum(axis=(1, 2, 3))
    for t in range(T):
        for i in range(H):
            for j in range(W):
                g = dout[:, t, i, j]
                patch = x[:, t * st:t * st + kt, i:i + kh, j:j + kw]
                dw += g[:, None, None, None, None] * patch[None]
                dx[:, t:t + kt, i:i + kh, j:j + kw] += np.tensordot(g, w, axes=1)
    return dx, dw, db

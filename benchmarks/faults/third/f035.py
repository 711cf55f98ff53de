import numpy as np

LABELS = {
    'id': 'f035',
    'op': 'patch merging between Swin stages',
    'family': 'order of reshape',
    'wrong_lines': [9],
    'fix': {9: 'dx = dmerged.transpose(0, 1, 3, 2, 4, 5).reshape(x.shape)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    c = int(rng.integers(1, 3))
    return rng.standard_normal((1, 4, 6, c)), rng.standard_normal((4 * c, 3)), rng.standard_normal(3)


def forward(x, W, b):
    parts = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    return np.concatenate(parts, axis=-1) @ W + b


def right_backward(dout, x, W, b):
    B, H, Wd, C = x.shape
    h, w = H // 2, Wd // 2
    merged = x.reshape(B, h, 2, w, 2, C).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 4 * C)
    d = dout.reshape(-1, dout.shape[-1])
    dW = merged.T @ d
    db = d.sum(0)
    dmerged = (d @ W.T).reshape(B, h, w, 2, 2, C)
    dx = dmerged.transpose(0, 1, 3, 2, 4, 5).reshape(x.shape)
    return dx, dW, db


def wrong_backward(dout, x, W, b):
    B, H, Wd, C = x.shape
    h, w = H // 2, Wd // 2
    merged = x.reshape(B, h, 2, w, 2, C).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 4 * C)
    d = dout.reshape(-1, dout.shape[-1])
    dW = merged.T @ d
    db = d.sum(0)
    dmerged = (d @ W.T).reshape(B, h, w, 2, 2, C)
    dx = dmerged.transpose(0, 1, 4, 2, 3, 5).reshape(x.shape)
    return dx, dW, db

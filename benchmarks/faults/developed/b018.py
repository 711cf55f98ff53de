import numpy as np

LABELS = {
    'id': 'b018',
    'op': 'depthwise convolution 2d',
    'family': 'missing broadcast sum',
    'wrong_lines': [9],
    'fix': {9: 'dw[:, i, j] = (dy * patch).sum(axis=(0, 2, 3))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3, 5, 6)), rng.standard_normal((3, 2, 3))


def forward(x, w):
    n, c, h, wd = x.shape
    y = 0
    for i in range(2):
        for j in range(3):
            y = y + x[:, :, i : h - 1 + i, j : wd - 2 + j] * w[:, i, j][:, None, None]
    return y


def right_backward(dy, x, w):
    n, c, h, wd = x.shape
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for i in range(2):
        for j in range(3):
            patch = x[:, :, i : h - 1 + i, j : wd - 2 + j]
            dx[:, :, i : h - 1 + i, j : wd - 2 + j] += dy * w[:, i, j][:, None, None]
            dw[:, i, j] = (dy * patch).sum(axis=(0, 2, 3))
    return dx, dw


def wrong_backward(dy, x, w):
    n, c, h, wd = x.shape
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for i in range(2):
        for j in range(3):
            patch = x[:, :, i : h - 1 + i, j : wd - 2 + j]
            dx[:, :, i : h - 1 + i, j : wd - 2 + j] += dy * w[:, i, j][:, None, None]
            dw[:, i, j] = (dy * patch)[0].sum(axis=(1, 2))
    return dx, dw

import numpy as np

LABELS = {
    'id': 'b019',
    'op': 'convolution by im2col',
    'family': 'not accumulated',
    'wrong_lines': [11],
    'fix': {11: 'dx[:, :, i : h - 1 + i, j : wd - 1 + j] += dcols[:, :, i, j]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((6, 2, 5, 4)), rng.standard_normal((3, 2, 2, 2))


def forward(x, w):
    n, c, h, wd = x.shape
    cols = np.stack([x[:, :, i : h - 1 + i, j : wd - 1 + j] for i in range(2) for j in range(2)], axis=2)
    cols = cols.reshape(n, c * 4, -1)
    return (w.reshape(len(w), -1) @ cols).reshape(n, len(w), h - 1, wd - 1)


def right_backward(dout, x, w):
    n, c, h, wd = x.shape
    cols = np.stack([x[:, :, i : h - 1 + i, j : wd - 1 + j] for i in range(2) for j in range(2)], axis=2)
    cols = cols.reshape(n, c * 4, -1)
    d = dout.reshape(n, len(w), -1)
    dw = np.einsum("nol,nkl->ok", d, cols).reshape(w.shape)
    dcols = (w.reshape(len(w), -1).T @ d).reshape(n, c, 2, 2, h - 1, wd - 1)
    dx = np.zeros_like(x)
    for i in range(2):
        for j in range(2):
            dx[:, :, i : h - 1 + i, j : wd - 1 + j] += dcols[:, :, i, j]
    return dx, dw


def wrong_backward(dout, x, w):
    n, c, h, wd = x.shape
    cols = np.stack([x[:, :, i : h - 1 + i, j : wd - 1 + j] for i in range(2) for j in range(2)], axis=2)
    cols = cols.reshape(n, c * 4, -1)
    d = dout.reshape(n, len(w), -1)
    dw = np.einsum("nol,nkl->ok", d, cols).reshape(w.shape)
    dcols = (w.reshape(len(w), -1).T @ d).reshape(n, c, 2, 2, h - 1, wd - 1)
    dx = np.zeros_like(x)
    for i in range(2):
        for j in range(2):
            dx[:, :, i : h - 1 + i, j : wd - 1 + j] = dcols[:, :, i, j]
    return dx, dw

import numpy as np

LABELS = {
    'id': 'c060',
    'op': '2d convolution with padding 1, cropped gradient',
    'family': 'wrong stride/padding',
    'wrong_lines': [11, 12],
    'fix': {11: 'rows = slice(P, P + x.shape[1])', 12: 'cols = slice(P, P + x.shape[2])'},
    'note': 'two lines',
    'source': 'cs231n conv_backward_naive (crop of the padded gradient)',
}


P = 1


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 4, 6)), rng.standard_normal((3, 2, 3, 2))


def forward(x, w):
    F, C, HH, WW = w.shape
    xp = np.pad(x, ((0, 0), (P, P), (P, P)))
    H, W = xp.shape[1] - HH + 1, xp.shape[2] - WW + 1
    y = np.zeros((F, H, W))
    for i in range(H):
        for j in range(W):
            y[:, i, j] = np.sum(w * xp[:, i : i + HH, j : j + WW], axis=(1, 2, 3))
    return y


def right_backward(dout, x, w):
    F, C, HH, WW = w.shape
    H, W = dout.shape[1:]
    xp = np.pad(x, ((0, 0), (P, P), (P, P)))
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for f in range(F):
        for i in range(H):
            for j in range(W):
                dw[f] += dout[f, i, j] * xp[:, i : i + HH, j : j + WW]
                dxp[:, i : i + HH, j : j + WW] += dout[f, i, j] * w[f]
    rows = slice(P, P + x.shape[1])
    cols = slice(P, P + x.shape[2])
    return dxp[:, rows, cols], dw


def wrong_backward(dout, x, w):
    F, C, HH, WW = w.shape
    H, W = dout.shape[1:]
    xp = np.pad(x, ((0, 0), (P, P), (P, P)))
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for f in range(F):
        for i in range(H):
            for j in range(W):
                dw[f] += dout[f, i, j] * xp[:, i : i + HH, j : j + WW]
                dxp[:, i : i + HH, j : j + WW] += dout[f, i, j] * w[f]
    rows = slice(0, x.shape[1])
    cols = slice(0, x.shape[2])
    return dxp[:, rows, cols], dw

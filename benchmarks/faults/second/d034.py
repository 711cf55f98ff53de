import numpy as np

LABELS = {
    'id': 'd034',
    'op': '2d convolution, stride 2, padding 1, loops (cs231n)',
    'family': 'wrong stride/padding',
    'wrong_lines': [13],
    'fix': {13: 'h0, w0 = i * stride, j * stride'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 2, 5, 4)), rng.standard_normal((2, 2, 3, 3)), rng.standard_normal(2)


def forward(x, w, b):
    xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    N, C, H, W = x.shape
    out = np.zeros((N, len(w), (H - 1) // 2 + 1, (W - 1) // 2 + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = np.tensordot(xp[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3], w, ([1, 2, 3], [1, 2, 3])) + b
    return out


def right_backward(dout, x, w, b):
    stride, pad = 2, 1
    N, F, H_out, W_out = dout.shape
    _, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    h0, w0 = i * stride, j * stride
                    g = dout[n, f, i, j]
                    dw[f] += g * x_pad[n, :, h0 : h0 + HH, w0 : w0 + WW]
                    dx_pad[n, :, h0 : h0 + HH, w0 : w0 + WW] += g * w[f]
    dx = dx_pad[:, :, pad:-pad, pad:-pad]
    return dx, dw, db


def wrong_backward(dout, x, w, b):
    stride, pad = 2, 1
    N, F, H_out, W_out = dout.shape
    _, _, HH, WW = w.shape
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dx_pad = np.zeros_like(x_pad)
    dw = np.zeros_like(w)
    db = dout.sum(axis=(0, 2, 3))
    for n in range(N):
        for f in range(F):
            for i in range(H_out):
                for j in range(W_out):
                    h0, w0 = i, j
                    g = dout[n, f, i, j]
                    dw[f] += g * x_pad[n, :, h0 : h0 + HH, w0 : w0 + WW]
                    dx_pad[n, :, h0 : h0 + HH, w0 : w0 + WW] += g * w[f]
    dx = dx_pad[:, :, pad:-pad, pad:-pad]
    return dx, dw, db

import numpy as np

LABELS = {
    'id': 'c091',
    'op': 'im2col convolution',
    'family': 'order of reshape',
    'wrong_lines': [4],
    'fix': {4: 'dmat = dout.transpose(1, 0, 2, 3).reshape(f, -1)'},
    'note': '',
    'source': 'Stanford-style im2col layers (filters last against filters first)',
}


def cols(x, kh, kw):
    n, c, h, w = x.shape
    oh, ow = h - kh + 1, w - kw + 1
    out = np.empty((c, kh, kw, n, oh, ow))
    for a in range(kh):
        for b in range(kw):
            out[:, a, b] = x[:, :, a : a + oh, b : b + ow].transpose(1, 0, 2, 3)
    return out.reshape(c * kh * kw, -1)


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((4, 3, 2, 3))


def forward(x, w):
    n, c, h, wd = x.shape
    f, _, kh, kw = w.shape
    y = w.reshape(f, -1) @ cols(x, kh, kw)
    return y.reshape(f, n, h - kh + 1, wd - kw + 1).transpose(1, 0, 2, 3)


def right_backward(dout, x, w):
    f, c, kh, kw = w.shape
    n, _, oh, ow = dout.shape
    dmat = dout.transpose(1, 0, 2, 3).reshape(f, -1)
    dw = (dmat @ cols(x, kh, kw).T).reshape(w.shape)
    dcols = (w.reshape(f, -1).T @ dmat).reshape(c, kh, kw, n, oh, ow)
    dx = np.zeros_like(x)
    for a in range(kh):
        for b in range(kw):
            dx[:, :, a : a + oh, b : b + ow] += dcols[:, a, b].transpose(1, 0, 2, 3)
    return dx, dw


def wrong_backward(dout, x, w):
    f, c, kh, kw = w.shape
    n, _, oh, ow = dout.shape
    dmat = dout.reshape(f, -1)
    dw = (dmat @ cols(x, kh, kw).T).reshape(w.shape)
    dcols = (w.reshape(f, -1).T @ dmat).reshape(c, kh, kw, n, oh, ow)
    dx = np.zeros_like(x)
    for a in range(kh):
        for b in range(kw):
            dx[:, :, a : a + oh, b : b + ow] += dcols[:, a, b].transpose(1, 0, 2, 3)
    return dx, dw

import numpy as np

LABELS = {
    'id': 'c042',
    'op': 'small network: convolution, ReLU, pooling, linear layer',
    'family': 'order of reshape',
    'wrong_lines': [11],
    'fix': {11: 'dp = dflat.reshape(n, ph, pw, f).transpose(0, 3, 1, 2)'},
    'note': '',
    'source': 'LeNet from scratch (flattened channels last in forward)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 1, 5, 8)), rng.standard_normal((3, 1, 2, 3)), rng.standard_normal(3), rng.standard_normal((18, 4))


def conv(x, w, b):
    n, c, h, wd = x.shape
    f, _, kh, kw = w.shape
    y = np.zeros((n, f, h - kh + 1, wd - kw + 1)) + b[:, None, None]
    for i in range(kh):
        for j in range(kw):
            y += np.einsum("nchw,fc->nfhw", x[:, :, i : i + y.shape[2], j : j + y.shape[3]], w[:, :, i, j])
    return y


def pool(a):
    n, f, h, w = a.shape
    return a.reshape(n, f, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


def forward(x, w, b, fc):
    p = pool(np.maximum(conv(x, w, b), 0))
    return p.transpose(0, 2, 3, 1).reshape(len(x), -1) @ fc


def right_backward(dout, x, w, b, fc):
    # repeat the forward pass
    z = conv(x, w, b)
    a = np.maximum(z, 0)
    p = pool(a)
    flat = p.transpose(0, 2, 3, 1).reshape(len(x), -1)
    n, f, ph, pw = p.shape
    # linear layer
    dfc = flat.T @ dout
    dflat = dout @ fc.T
    dp = dflat.reshape(n, ph, pw, f).transpose(0, 3, 1, 2)
    # average pooling and ReLU
    da = dp.repeat(2, axis=2).repeat(2, axis=3) / 4
    dz = da * (z > 0)
    # convolution
    db = dz.sum(axis=(0, 2, 3))
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    oh, ow = dz.shape[2:]
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            view = x[:, :, i : i + oh, j : j + ow]
            dw[:, :, i, j] = np.einsum("nfhw,nchw->fc", dz, view)
            dx[:, :, i : i + oh, j : j + ow] += np.einsum("nfhw,fc->nchw", dz, w[:, :, i, j])
    return dx, dw, db, dfc


def wrong_backward(dout, x, w, b, fc):
    # repeat the forward pass
    z = conv(x, w, b)
    a = np.maximum(z, 0)
    p = pool(a)
    flat = p.transpose(0, 2, 3, 1).reshape(len(x), -1)
    n, f, ph, pw = p.shape
    # linear layer
    dfc = flat.T @ dout
    dflat = dout @ fc.T
    dp = dflat.reshape(n, f, ph, pw)
    # average pooling and ReLU
    da = dp.repeat(2, axis=2).repeat(2, axis=3) / 4
    dz = da * (z > 0)
    # convolution
    db = dz.sum(axis=(0, 2, 3))
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    oh, ow = dz.shape[2:]
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            view = x[:, :, i : i + oh, j : j + ow]
            dw[:, :, i, j] = np.einsum("nfhw,nchw->fc", dz, view)
            dx[:, :, i : i + oh, j : j + ow] += np.einsum("nfhw,fc->nchw", dz, w[:, :, i, j])
    return dx, dw, db, dfc

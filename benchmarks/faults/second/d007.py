import numpy as np

LABELS = {
    'id': 'd007',
    'op': 'window partition (Swin) and a linear map of each token',
    'family': 'order of reshape',
    'wrong_lines': [7],
    'fix': {7: 'dx = dwin.reshape(B, H // WS, W // WS, WS, WS, C)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


WS = 2


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((1, 4, 6, 2)), rng.standard_normal((2, 3))


def forward(x, w):
    b, h, wd, c = x.shape
    win = x.reshape(b, h // WS, WS, wd // WS, WS, c).transpose(0, 1, 3, 2, 4, 5).reshape(-1, WS * WS, c)
    return win @ w


def right_backward(dout, x, w):
    B, H, W, C = x.shape
    win = x.reshape(B, H // WS, WS, W // WS, WS, C)
    win = win.transpose(0, 1, 3, 2, 4, 5).reshape(-1, WS * WS, C)
    dw = np.einsum("ntc,nto->co", win, dout)
    dwin = dout @ w.T
    dx = dwin.reshape(B, H // WS, W // WS, WS, WS, C)
    dx = dx.transpose(0, 1, 3, 2, 4, 5).reshape(B, H, W, C)
    return dx, dw


def wrong_backward(dout, x, w):
    B, H, W, C = x.shape
    win = x.reshape(B, H // WS, WS, W // WS, WS, C)
    win = win.transpose(0, 1, 3, 2, 4, 5).reshape(-1, WS * WS, C)
    dw = np.einsum("ntc,nto->co", win, dout)
    dwin = dout @ w.T
    dx = dwin.reshape(B, H // WS, WS, W // WS, WS, C)
    dx = dx.transpose(0, 1, 3, 2, 4, 5).reshape(B, H, W, C)
    return dx, dw

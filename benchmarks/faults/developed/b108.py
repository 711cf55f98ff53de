import numpy as np

LABELS = {
    'id': 'b108',
    'op': 'patch embedding of an image',
    'family': 'order of reshape',
    'wrong_lines': [6],
    'fix': {6: 'dx = dp.transpose(0, 3, 1, 4, 2, 5).reshape(n, c, h, wd)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 2, 4, 6)), rng.standard_normal((8, 3))


def forward(x, w):
    n, c, h, wd = x.shape
    p = x.reshape(n, c, h // 2, 2, wd // 2, 2).transpose(0, 2, 4, 1, 3, 5)
    return p.reshape(n, h // 2 * (wd // 2), c * 4) @ w


def right_backward(dtok, x, w):
    n, c, h, wd = x.shape
    p = x.reshape(n, c, h // 2, 2, wd // 2, 2).transpose(0, 2, 4, 1, 3, 5).reshape(n, -1, c * 4)
    dw = np.einsum("ntf,nte->fe", p, dtok)
    dp = (dtok @ w.T).reshape(n, h // 2, wd // 2, c, 2, 2)
    dx = dp.transpose(0, 3, 1, 4, 2, 5).reshape(n, c, h, wd)
    return dx, dw


def wrong_backward(dtok, x, w):
    n, c, h, wd = x.shape
    p = x.reshape(n, c, h // 2, 2, wd // 2, 2).transpose(0, 2, 4, 1, 3, 5).reshape(n, -1, c * 4)
    dw = np.einsum("ntf,nte->fe", p, dtok)
    dp = (dtok @ w.T).reshape(n, h // 2, wd // 2, c, 2, 2)
    dx = dp.transpose(0, 3, 1, 2, 4, 5).reshape(n, c, h, wd)
    return dx, dw

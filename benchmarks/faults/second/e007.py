import numpy as np

LABELS = {
    'id': 'e007',
    'op': 'depthwise-separable convolution with a ReLU in between',
    'family': 'wrong variable',
    'wrong_lines': [5],
    'fix': {5: 'dpw = np.einsum("nohw,nchw->oc", dy, act)'},
    'note': '',
    'source': 'MobileNet block (saved tensor before instead of after the activation)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((1, 3, 4, 4)), rng.standard_normal((3, 3, 3)), rng.standard_normal((2, 3))


def depthwise(x, w):
    n, c, h, wd = x.shape
    xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros_like(x)
    for i in range(3):
        for j in range(3):
            y += xp[:, :, i : i + h, j : j + wd] * w[:, i, j][None, :, None, None]
    return y


def forward(x, w_dw, w_pw):
    return np.einsum("oc,nchw->nohw", w_pw, np.maximum(depthwise(x, w_dw), 0))


def right_backward(dy, x, w_dw, w_pw):
    n, c, h, wd = x.shape
    mid = depthwise(x, w_dw)
    act = np.maximum(mid, 0)
    dpw = np.einsum("nohw,nchw->oc", dy, act)
    dmid = np.einsum("oc,nohw->nchw", w_pw, dy) * (mid > 0)
    xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dxp = np.zeros_like(xp)
    ddw = np.zeros_like(w_dw)
    for i in range(3):
        for j in range(3):
            ddw[:, i, j] = (xp[:, :, i : i + h, j : j + wd] * dmid).sum(axis=(0, 2, 3))
            dxp[:, :, i : i + h, j : j + wd] += dmid * w_dw[:, i, j][None, :, None, None]
    return dxp[:, :, 1:-1, 1:-1], ddw, dpw


def wrong_backward(dy, x, w_dw, w_pw):
    n, c, h, wd = x.shape
    mid = depthwise(x, w_dw)
    act = np.maximum(mid, 0)
    dpw = np.einsum("nohw,nchw->oc", dy, mid)
    dmid = np.einsum("oc,nohw->nchw", w_pw, dy) * (mid > 0)
    xp = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    dxp = np.zeros_like(xp)
    ddw = np.zeros_like(w_dw)
    for i in range(3):
        for j in range(3):
            ddw[:, i, j] = (xp[:, :, i : i + h, j : j + wd] * dmid).sum(axis=(0, 2, 3))
            dxp[:, :, i : i + h, j : j + wd] += dmid * w_dw[:, i, j][None, :, None, None]
    return dxp[:, :, 1:-1, 1:-1], ddw, dpw

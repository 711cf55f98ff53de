import numpy as np

LABELS = {
    'id': 'd046',
    'op': 'dilated depthwise convolution 2d, dilation 2',
    'family': 'wrong stride/padding',
    'wrong_lines': [8],
    'fix': {8: 'dw[:, i, j] = np.sum(grad * xp[:, :, i * D : i * D + h, j * D : j * D + wd], axis=(0, 2, 3))'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


D = 2


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((1, 2, 5, 6)), rng.standard_normal((2, 3, 3))


def forward(x, w):
    n, c, h, wd = x.shape
    xp = np.pad(x, ((0, 0), (0, 0), (D, D), (D, D)))
    y = np.zeros_like(x)
    for i in range(3):
        for j in range(3):
            y += xp[:, :, i * D : i * D + h, j * D : j * D + wd] * w[None, :, i, j, None, None]
    return y


def right_backward(grad, x, w):
    n, c, h, wd = x.shape
    xp = np.pad(x, ((0, 0), (0, 0), (D, D), (D, D)))
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for i in range(3):
        for j in range(3):
            dxp[:, :, i * D : i * D + h, j * D : j * D + wd] += grad * w[None, :, i, j, None, None]
            dw[:, i, j] = np.sum(grad * xp[:, :, i * D : i * D + h, j * D : j * D + wd], axis=(0, 2, 3))
    return dxp[:, :, D:-D, D:-D], dw


def wrong_backward(grad, x, w):
    n, c, h, wd = x.shape
    xp = np.pad(x, ((0, 0), (0, 0), (D, D), (D, D)))
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for i in range(3):
        for j in range(3):
            dxp[:, :, i * D : i * D + h, j * D : j * D + wd] += grad * w[None, :, i, j, None, None]
            dw[:, i, j] = np.sum(grad * xp[:, :, i : i + h, j : j + wd], axis=(0, 2, 3))
    return dxp[:, :, D:-D, D:-D], dw

import numpy as np

LABELS = {
    'id': 'd024',
    'op': 'depthwise convolution 1d, "same" padding of an even kernel',
    'family': 'wrong stride/padding',
    'wrong_lines': [12],
    'fix': {12: 'return dxp[:, :, left:-right], dw'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 2, int(rng.integers(5, 8)))), rng.standard_normal((2, 4))


def forward(x, w):
    k = w.shape[1]
    left = (k - 1) // 2
    xp = np.pad(x, ((0, 0), (0, 0), (left, k - 1 - left)))
    win = np.lib.stride_tricks.sliding_window_view(xp, k, axis=2)
    return np.einsum("ncLk,ck->ncL", win, w)


def right_backward(dy, x, w):
    n, c, length = x.shape
    k = w.shape[1]
    left = (k - 1) // 2
    right = k - 1 - left
    xp = np.pad(x, ((0, 0), (0, 0), (left, right)))
    win = np.lib.stride_tricks.sliding_window_view(xp, k, axis=2)
    dw = np.einsum("ncLk,ncL->ck", win, dy)
    dxp = np.zeros_like(xp)
    for t in range(k):
        dxp[:, :, t : t + length] += dy * w[:, t][None, :, None]
    return dxp[:, :, left:-right], dw


def wrong_backward(dy, x, w):
    n, c, length = x.shape
    k = w.shape[1]
    left = (k - 1) // 2
    right = k - 1 - left
    xp = np.pad(x, ((0, 0), (0, 0), (left, right)))
    win = np.lib.stride_tricks.sliding_window_view(xp, k, axis=2)
    dw = np.einsum("ncLk,ncL->ck", win, dy)
    dxp = np.zeros_like(xp)
    for t in range(k):
        dxp[:, :, t : t + length] += dy * w[:, t][None, :, None]
    return dxp[:, :, right:-left], dw

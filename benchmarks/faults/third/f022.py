import numpy as np

LABELS = {
    'id': 'f022',
    'op': "convolution 1d with 'same' padding and an even kernel",
    'family': 'wrong stride/padding',
    'wrong_lines': [10],
    'fix': {10: 'return dxp[:, left:left + T], dw'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(6, 9))
    return rng.standard_normal((2, T)), rng.standard_normal((3, 2, 4))


def forward(x, w):
    k = w.shape[-1]
    xp = np.pad(x, ((0, 0), ((k - 1) // 2, k // 2)))
    return np.einsum("ctk,ock->ot", np.lib.stride_tricks.sliding_window_view(xp, k, axis=1), w)


def right_backward(dy, x, w):
    T, k = x.shape[1], w.shape[2]
    left, right = (k - 1) // 2, k // 2
    xp = np.pad(x, ((0, 0), (left, right)))
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for s in range(k):
        dw[:, :, s] = dy @ xp[:, s:s + T].T
        dxp[:, s:s + T] += w[:, :, s].T @ dy
    return dxp[:, left:left + T], dw


def wrong_backward(dy, x, w):
    T, k = x.shape[1], w.shape[2]
    left, right = (k - 1) // 2, k // 2
    xp = np.pad(x, ((0, 0), (left, right)))
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for s in range(k):
        dw[:, :, s] = dy @ xp[:, s:s + T].T
        dxp[:, s:s + T] += w[:, :, s].T @ dy
    return dxp[:, right:right + T], dw

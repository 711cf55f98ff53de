import numpy as np

LABELS = {
    'id': 'd016',
    'op': 'filter of 5 taps after replicate padding',
    'family': 'not accumulated',
    'wrong_lines': [11, 12],
    'fix': {11: 'dx[:, 0] += dxp[:, :2].sum(axis=1)', 12: 'dx[:, -1] += dxp[:, -2:].sum(axis=1)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, int(rng.integers(6, 9)))), rng.standard_normal(5)


def forward(x, w):
    xp = np.pad(x, ((0, 0), (2, 2)), mode="edge")
    return sum(w[k] * xp[:, k : k + x.shape[1]] for k in range(5))


def right_backward(dy, x, w):
    L = x.shape[1]
    xp = np.pad(x, ((0, 0), (2, 2)), mode="edge")
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for k in range(5):
        dw[k] = np.sum(dy * xp[:, k : k + L])
        dxp[:, k : k + L] += w[k] * dy
    dx = dxp[:, 2:-2].copy()
    # both ends were repeated twice
    dx[:, 0] += dxp[:, :2].sum(axis=1)
    dx[:, -1] += dxp[:, -2:].sum(axis=1)
    return dx, dw


def wrong_backward(dy, x, w):
    L = x.shape[1]
    xp = np.pad(x, ((0, 0), (2, 2)), mode="edge")
    dxp = np.zeros_like(xp)
    dw = np.zeros_like(w)
    for k in range(5):
        dw[k] = np.sum(dy * xp[:, k : k + L])
        dxp[:, k : k + L] += w[k] * dy
    dx = dxp[:, 2:-2].copy()
    # both ends were repeated twice
    dx[:, 0] = dxp[:, :2].sum(axis=1)
    dx[:, -1] = dxp[:, -2:].sum(axis=1)
    return dx, dw

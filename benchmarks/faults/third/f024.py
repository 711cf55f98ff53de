import numpy as np

LABELS = {
    'id': 'f024',
    'op': 'affine coupling layer with a learned bound of the log-scales (RealNVP)',
    'family': 'missing broadcast sum',
    'wrong_lines': [8],
    'fix': {8: 'dbound = (dls * th).sum(axis=0)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 6))
    r = rng.standard_normal
    return r((n, 2)), r((n, 2)), r((2, 2)), r((2, 2)), r(2)


def forward(x1, x2, Ws, Wt, bound):
    ls = bound * np.tanh(x1 @ Ws)
    return np.concatenate([x2 * np.exp(ls) + x1 @ Wt, ls], axis=1)


def right_backward(dout, x1, x2, Ws, Wt, bound):
    dy, dlog = np.split(dout, 2, axis=1)
    th = np.tanh(x1 @ Ws)
    es = np.exp(bound * th)
    dx2 = dy * es
    dWt = x1.T @ dy
    dls = dy * x2 * es + dlog
    dbound = (dls * th).sum(axis=0)
    dz = dls * bound * (1 - th ** 2)
    dWs = x1.T @ dz
    dx1 = dy @ Wt.T + dz @ Ws.T
    return dx1, dx2, dWs, dWt, dbound


def wrong_backward(dout, x1, x2, Ws, Wt, bound):
    dy, dlog = np.split(dout, 2, axis=1)
    th = np.tanh(x1 @ Ws)
    es = np.exp(bound * th)
    dx2 = dy * es
    dWt = x1.T @ dy
    dls = dy * x2 * es + dlog
    dbound = dls * th
    dz = dls * bound * (1 - th ** 2)
    dWs = x1.T @ dz
    dx1 = dy @ Wt.T + dz @ Ws.T
    return dx1, dx2, dWs, dWt, dbound

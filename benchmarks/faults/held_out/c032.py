import numpy as np

LABELS = {
    'id': 'c032',
    'op': 'vanilla recurrent net, all hidden states returned',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [9],
    'fix': {9: 'da = (dh[:, t] + carry) * (1 - hs[:, t] ** 2)'},
    'note': '',
    'source': "cs231n assignment 3, own RNNs (tanh' at the last state for every step)",
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n, t, d, h = 2, 5 + seed % 3, 3, 4
    return rng.standard_normal((n, t, d)), rng.standard_normal((n, h)), rng.standard_normal((d, h)) / 2, rng.standard_normal((h, h)) / 2, rng.standard_normal(h)


def run(x, h0, Wx, Wh, b):
    h, out = h0, []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        out.append(h)
    return np.stack(out, axis=1)


def forward(x, h0, Wx, Wh, b):
    return run(x, h0, Wx, Wh, b)


def right_backward(dh, x, h0, Wx, Wh, b):
    hs = run(x, h0, Wx, Wh, b)
    N, T, D = x.shape
    h = hs[:, T - 1]
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    carry = np.zeros_like(h0)
    for t in range(T - 1, -1, -1):
        prev = h0 if t == 0 else hs[:, t - 1]
        da = (dh[:, t] + carry) * (1 - hs[:, t] ** 2)
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += prev.T @ da
        db += da.sum(axis=0)
        carry = da @ Wh.T
    return dx, carry, dWx, dWh, db


def wrong_backward(dh, x, h0, Wx, Wh, b):
    hs = run(x, h0, Wx, Wh, b)
    N, T, D = x.shape
    h = hs[:, T - 1]
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    carry = np.zeros_like(h0)
    for t in range(T - 1, -1, -1):
        prev = h0 if t == 0 else hs[:, t - 1]
        da = (dh[:, t] + carry) * (1 - h**2)
        dx[:, t] = da @ Wx.T
        dWx += x[:, t].T @ da
        dWh += prev.T @ da
        db += da.sum(axis=0)
        carry = da @ Wh.T
    return dx, carry, dWx, dWh, db

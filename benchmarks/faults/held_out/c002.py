import numpy as np

LABELS = {
    'id': 'c002',
    'op': 'LSTM over a sequence',
    'family': 'missing term',
    'wrong_lines': [10],
    'fix': {10: 'dc = dc_next + dh * o * (1 - tc**2)'},
    'note': '',
    'source': 'CaptainE/RNN-LSTM-in-numpy#1 (the carry of the cell state between steps)',
}


def sigm(a):
    return 1 / (1 + np.exp(-a))


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T, B, D, H = 4, 2, 3, 5
    return (
        rng.standard_normal((T, B, D)),
        0.5 * rng.standard_normal((D, 4 * H)),
        0.5 * rng.standard_normal((H, 4 * H)),
        0.5 * rng.standard_normal(4 * H),
    )


def unroll(x, Wx, Wh, b):
    H = Wh.shape[0]
    h = np.zeros((x.shape[1], H))
    c = np.zeros_like(h)
    hs, cache = [], []
    for t in range(len(x)):
        a = x[t] @ Wx + h @ Wh + b
        i, f, o = sigm(a[:, :H]), sigm(a[:, H : 2 * H]), sigm(a[:, 2 * H : 3 * H])
        g = np.tanh(a[:, 3 * H :])
        c_new = f * c + i * g
        h_new = o * np.tanh(c_new)
        cache.append((x[t], h, c, i, f, o, g, c_new))
        h, c = h_new, c_new
        hs.append(h)
    return np.stack(hs), cache


def forward(x, Wx, Wh, b):
    return unroll(x, Wx, Wh, b)[0]


def right_backward(dhs, x, Wx, Wh, b):
    _, cache = unroll(x, Wx, Wh, b)
    dx, dWx, dWh, db = [np.zeros_like(p) for p in (x, Wx, Wh, b)]
    dh_next = np.zeros_like(dhs[0])
    dc_next = np.zeros_like(dhs[0])
    for t in reversed(range(len(x))):
        xt, h_prev, c_prev, i, f, o, g, c = cache[t]
        dh = dhs[t] + dh_next
        tc = np.tanh(c)
        dc = dc_next + dh * o * (1 - tc**2)
        da = np.hstack(
            [
                dc * g * i * (1 - i),
                dc * c_prev * f * (1 - f),
                dh * tc * o * (1 - o),
                dc * i * (1 - g**2),
            ]
        )
        dx[t] = da @ Wx.T
        dWx += xt.T @ da
        dWh += h_prev.T @ da
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
        dc_next = dc * f
    return dx, dWx, dWh, db


def wrong_backward(dhs, x, Wx, Wh, b):
    _, cache = unroll(x, Wx, Wh, b)
    dx, dWx, dWh, db = [np.zeros_like(p) for p in (x, Wx, Wh, b)]
    dh_next = np.zeros_like(dhs[0])
    dc_next = np.zeros_like(dhs[0])
    for t in reversed(range(len(x))):
        xt, h_prev, c_prev, i, f, o, g, c = cache[t]
        dh = dhs[t] + dh_next
        tc = np.tanh(c)
        dc = dh * o * (1 - tc**2)
        da = np.hstack(
            [
                dc * g * i * (1 - i),
                dc * c_prev * f * (1 - f),
                dh * tc * o * (1 - o),
                dc * i * (1 - g**2),
            ]
        )
        dx[t] = da @ Wx.T
        dWx += xt.T @ da
        dWh += h_prev.T @ da
        db += da.sum(axis=0)
        dh_next = da @ Wh.T
        dc_next = dc * f
    return dx, dWx, dWh, db

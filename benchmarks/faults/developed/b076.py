import numpy as np

LABELS = {
    'id': 'b076',
    'op': 'LSTM over a sequence',
    'family': 'not accumulated',
    'wrong_lines': [22, 23],
    'fix': {22: 'dw += np.outer(x[t], dz)', 23: 'du += np.outer(h_prev, dz)'},
    'note': 'two lines',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 2)), rng.standard_normal((2, 12)) * 0.7, rng.standard_normal((3, 12)) * 0.7


def _sig(a):
    return 1 / (1 + np.exp(-a))


def forward(x, w, u):
    h, c = np.zeros(3), np.zeros(3)
    for xt in x:
        i, f, o, g = np.split(xt @ w + h @ u, 4)
        c = _sig(f) * c + _sig(i) * np.tanh(g)
        h = _sig(o) * np.tanh(c)
    return h


def right_backward(dh, x, w, u):
    h, c, cache = np.zeros(3), np.zeros(3), []
    for xt in x:
        i, f, o, g = np.split(xt @ w + h @ u, 4)
        i, f, o, g = _sig(i), _sig(f), _sig(o), np.tanh(g)
        c_new = f * c + i * g
        cache.append((h, c, i, f, o, g, c_new))
        c = c_new
        h = o * np.tanh(c)
    dx = np.zeros_like(x)
    dw, du = np.zeros_like(w), np.zeros_like(u)
    dc = np.zeros(3)
    for t in reversed(range(len(x))):
        h_prev, c_prev, i, f, o, g, c = cache[t]
        tc = np.tanh(c)
        dc = dc + dh * o * (1 - tc**2)
        d_i = dc * g * i * (1 - i)
        d_f = dc * c_prev * f * (1 - f)
        d_o = dh * tc * o * (1 - o)
        d_g = dc * i * (1 - g**2)
        dz = np.concatenate([d_i, d_f, d_o, d_g])
        dw += np.outer(x[t], dz)
        du += np.outer(h_prev, dz)
        dx[t] = w @ dz
        dh = u @ dz
        dc = dc * f
    return dx, dw, du


def wrong_backward(dh, x, w, u):
    h, c, cache = np.zeros(3), np.zeros(3), []
    for xt in x:
        i, f, o, g = np.split(xt @ w + h @ u, 4)
        i, f, o, g = _sig(i), _sig(f), _sig(o), np.tanh(g)
        c_new = f * c + i * g
        cache.append((h, c, i, f, o, g, c_new))
        c = c_new
        h = o * np.tanh(c)
    dx = np.zeros_like(x)
    dw, du = np.zeros_like(w), np.zeros_like(u)
    dc = np.zeros(3)
    for t in reversed(range(len(x))):
        h_prev, c_prev, i, f, o, g, c = cache[t]
        tc = np.tanh(c)
        dc = dc + dh * o * (1 - tc**2)
        d_i = dc * g * i * (1 - i)
        d_f = dc * c_prev * f * (1 - f)
        d_o = dh * tc * o * (1 - o)
        d_g = dc * i * (1 - g**2)
        dz = np.concatenate([d_i, d_f, d_o, d_g])
        dw = np.outer(x[t], dz)
        du = np.outer(h_prev, dz)
        dx[t] = w @ dz
        dh = u @ dz
        dc = dc * f
    return dx, dw, du

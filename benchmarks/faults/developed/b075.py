import numpy as np

LABELS = {
    'id': 'b075',
    'op': 'recurrent network with an output at every step',
    'family': 'missing term',
    'wrong_lines': [8],
    'fix': {8: 'dh = dout[t] + dh_next'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([4, 5]))
    return rng.standard_normal((n, 2)), rng.standard_normal((2, 3)), rng.standard_normal((3, 3)) * 0.6


def forward(x, w, u):
    h, out = np.zeros(3), []
    for xt in x:
        h = np.tanh(xt @ w + h @ u)
        out.append(h)
    return np.stack(out)


def right_backward(dout, x, w, u):
    hs = [np.zeros(3)]
    for xt in x:
        hs.append(np.tanh(xt @ w + hs[-1] @ u))
    dx, dw, du = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u)
    dh_next = np.zeros(3)
    for t in range(len(x) - 1, -1, -1):
        dh = dout[t] + dh_next
        da = dh * (1 - hs[t + 1] ** 2)
        dw += np.outer(x[t], da)
        du += np.outer(hs[t], da)
        dx[t] = da @ w.T
        dh_next = da @ u.T
    return dx, dw, du


def wrong_backward(dout, x, w, u):
    hs = [np.zeros(3)]
    for xt in x:
        hs.append(np.tanh(xt @ w + hs[-1] @ u))
    dx, dw, du = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u)
    dh_next = np.zeros(3)
    for t in range(len(x) - 1, -1, -1):
        dh = dout[t]
        da = dh * (1 - hs[t + 1] ** 2)
        dw += np.outer(x[t], da)
        du += np.outer(hs[t], da)
        dx[t] = da @ w.T
        dh_next = da @ u.T
    return dx, dw, du

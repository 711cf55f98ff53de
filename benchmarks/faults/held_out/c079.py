import numpy as np

LABELS = {
    'id': 'c079',
    'op': 'transformer block, pre-norm, one head',
    'family': 'wrong axis',
    'wrong_lines': [20],
    'fix': {20: 'c1 = dxhat.mean(axis=1, keepdims=True)'},
    'note': '',
    'source': 'nanoGPT-like code by hand (mean over tokens in place of features)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t, d, a, m = 4 + seed % 2, 3, 2, 6
    shapes = [(t, d), (d,), (d, a), (d, a), (d, a), (a, d), (d, m), (m, d)]
    return tuple(0.7 * rng.standard_normal(s) for s in shapes)


def parts(x, gain, wq, wk, wv, wo, w1, w2):
    inv = 1 / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    xhat = (x - x.mean(axis=1, keepdims=True)) * inv
    n = gain * xhat
    q, k, v = n @ wq, n @ wk, n @ wv
    s = q @ k.T / np.sqrt(q.shape[1])
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    o = p @ v
    h = x + o @ wo
    u = np.tanh(h @ w1)
    return inv, xhat, n, q, k, v, p, o, h, u, h + u @ w2


def forward(x, gain, wq, wk, wv, wo, w1, w2):
    return parts(x, gain, wq, wk, wv, wo, w1, w2)[-1]


def right_backward(dy, x, gain, wq, wk, wv, wo, w1, w2):
    inv, xhat, n, q, k, v, p, o, h, u, _ = parts(x, gain, wq, wk, wv, wo, w1, w2)
    # feed-forward branch
    dw2 = u.T @ dy
    du = (dy @ w2.T) * (1 - u**2)
    dw1 = h.T @ du
    dh = dy + du @ w1.T
    # attention branch
    dwo = o.T @ dh
    do = dh @ wo.T
    dv = p.T @ do
    dp = do @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
    dq, dk = ds @ k, ds.T @ q
    dwq, dwk, dwv = n.T @ dq, n.T @ dk, n.T @ dv
    dn = dq @ wq.T + dk @ wk.T + dv @ wv.T
    # layer norm
    dgain = (dn * xhat).sum(axis=0)
    dxhat = dn * gain
    c1 = dxhat.mean(axis=1, keepdims=True)
    c2 = (dxhat * xhat).mean(axis=1, keepdims=True)
    dx = dh + inv * (dxhat - c1 - xhat * c2)
    return dx, dgain, dwq, dwk, dwv, dwo, dw1, dw2


def wrong_backward(dy, x, gain, wq, wk, wv, wo, w1, w2):
    inv, xhat, n, q, k, v, p, o, h, u, _ = parts(x, gain, wq, wk, wv, wo, w1, w2)
    # feed-forward branch
    dw2 = u.T @ dy
    du = (dy @ w2.T) * (1 - u**2)
    dw1 = h.T @ du
    dh = dy + du @ w1.T
    # attention branch
    dwo = o.T @ dh
    do = dh @ wo.T
    dv = p.T @ do
    dp = do @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
    dq, dk = ds @ k, ds.T @ q
    dwq, dwk, dwv = n.T @ dq, n.T @ dk, n.T @ dv
    dn = dq @ wq.T + dk @ wk.T + dv @ wv.T
    # layer norm
    dgain = (dn * xhat).sum(axis=0)
    dxhat = dn * gain
    c1 = dxhat.mean(axis=0, keepdims=True)
    c2 = (dxhat * xhat).mean(axis=1, keepdims=True)
    dx = dh + inv * (dxhat - c1 - xhat * c2)
    return dx, dgain, dwq, dwk, dwv, dwo, dw1, dw2

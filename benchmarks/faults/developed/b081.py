import numpy as np

LABELS = {
    'id': 'b081',
    'op': 'transformer block: layer norm, self-attention, residual',
    'family': 'detached path',
    'wrong_lines': [12, 17],
    'fix': {12: 'insert before: dh += dq @ wq.T', 17: 'insert before: dx += dy'},
    'note': 'two mistakes: two of the paths of the normalised input are lost',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 4)), rng.standard_normal(4) + 1, rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.standard_normal((4, 4))


def _norm(x):
    c = x - x.mean(axis=1, keepdims=True)
    sd = np.sqrt((c**2).mean(axis=1, keepdims=True) + 1e-5)
    return c / sd, sd


def _softmax(s):
    e = np.exp(s - s.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def forward(x, g, wq, wk, wv):
    h = _norm(x)[0] * g
    p = _softmax((h @ wq) @ (h @ wk).T / np.sqrt(3))
    return x + p @ (h @ wv)


def right_backward(dy, x, g, wq, wk, wv):
    xhat, sd = _norm(x)
    h = xhat * g
    q, k, v = h @ wq, h @ wk, h @ wv
    p = _softmax(q @ k.T / np.sqrt(3))
    dv = p.T @ dy
    dp = dy @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(3)
    dq = ds @ k
    dk = ds.T @ q
    dh = dv @ wv.T
    dh += dq @ wq.T
    dh += dk @ wk.T
    dxhat = dh * g
    m1 = dxhat.mean(axis=1, keepdims=True)
    m2 = (dxhat * xhat).mean(axis=1, keepdims=True)
    dx = (dxhat - m1 - xhat * m2) / sd
    dx += dy
    return dx, (dh * xhat).sum(axis=0), h.T @ dq, h.T @ dk, h.T @ dv


def wrong_backward(dy, x, g, wq, wk, wv):
    xhat, sd = _norm(x)
    h = xhat * g
    q, k, v = h @ wq, h @ wk, h @ wv
    p = _softmax(q @ k.T / np.sqrt(3))
    dv = p.T @ dy
    dp = dy @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(3)
    dq = ds @ k
    dk = ds.T @ q
    dh = dv @ wv.T
    dh += dk @ wk.T
    dxhat = dh * g
    m1 = dxhat.mean(axis=1, keepdims=True)
    m2 = (dxhat * xhat).mean(axis=1, keepdims=True)
    dx = (dxhat - m1 - xhat * m2) / sd
    return dx, (dh * xhat).sum(axis=0), h.T @ dq, h.T @ dk, h.T @ dv

import numpy as np

LABELS = {
    'id': 'c013',
    'op': 'multi-head attention, self-attention on one input',
    'family': 'not accumulated',
    'wrong_lines': [10],
    'fix': {10: 'dx += dv @ wv.T'},
    'note': '',
    'source': 'transformer homework (q, k and v come from the same x)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((5, 4)), *(rng.standard_normal((3, 4, 6)) * 0.5))


def heads(m):
    return m.reshape(len(m), 2, 3).transpose(1, 0, 2)


def merge(m):
    return m.transpose(1, 0, 2).reshape(m.shape[1], -1)


def attend(x, wq, wk, wv):
    q, k, v = heads(x @ wq), heads(x @ wk), heads(x @ wv)
    s = q @ k.transpose(0, 2, 1) / np.sqrt(3)
    p = np.exp(s - s.max(axis=-1, keepdims=True))
    p = p / p.sum(axis=-1, keepdims=True)
    return q, k, v, p


def forward(x, wq, wk, wv):
    q, k, v, p = attend(x, wq, wk, wv)
    return merge(p @ v)


def right_backward(dout, x, wq, wk, wv):
    q, k, v, p = attend(x, wq, wk, wv)
    dctx = heads(dout)
    dp = dctx @ v.transpose(0, 2, 1)
    dv = merge(p.transpose(0, 2, 1) @ dctx)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(3)
    dq, dk = merge(ds @ k), merge(ds.transpose(0, 2, 1) @ q)
    dx = dq @ wq.T
    dx += dk @ wk.T
    dx += dv @ wv.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv


def wrong_backward(dout, x, wq, wk, wv):
    q, k, v, p = attend(x, wq, wk, wv)
    dctx = heads(dout)
    dp = dctx @ v.transpose(0, 2, 1)
    dv = merge(p.transpose(0, 2, 1) @ dctx)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(3)
    dq, dk = merge(ds @ k), merge(ds.transpose(0, 2, 1) @ q)
    dx = dq @ wq.T
    dx += dk @ wk.T
    dx = dv @ wv.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv

import numpy as np

LABELS = {
    'id': 'b002',
    'op': 'multi-head attention, heads merged',
    'family': 'order of reshape',
    'wrong_lines': [8],
    'fix': {8: 'do = dout.reshape(t, heads, 2).transpose(1, 0, 2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 6)), rng.standard_normal((6, 6)), rng.standard_normal((6, 6)), rng.standard_normal((6, 4))


def forward(x, wq, wk, wv):
    t, heads = len(x), 2
    q = (x @ wq).reshape(t, heads, 3).transpose(1, 0, 2)
    k = (x @ wk).reshape(t, heads, 3).transpose(1, 0, 2)
    v = (x @ wv).reshape(t, heads, 2).transpose(1, 0, 2)
    s = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(3))
    p = s / s.sum(axis=-1, keepdims=True)
    return (p @ v).transpose(1, 0, 2).reshape(t, 4)


def right_backward(dout, x, wq, wk, wv):
    t, heads = len(x), 2
    q = (x @ wq).reshape(t, heads, 3).transpose(1, 0, 2)
    k = (x @ wk).reshape(t, heads, 3).transpose(1, 0, 2)
    v = (x @ wv).reshape(t, heads, 2).transpose(1, 0, 2)
    s = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(3))
    p = s / s.sum(axis=-1, keepdims=True)
    do = dout.reshape(t, heads, 2).transpose(1, 0, 2)
    dv = p.transpose(0, 2, 1) @ do
    dp = do @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(3)
    dq = (ds @ k).transpose(1, 0, 2).reshape(t, 6)
    dk = (ds.transpose(0, 2, 1) @ q).transpose(1, 0, 2).reshape(t, 6)
    dv = dv.transpose(1, 0, 2).reshape(t, 4)
    dx = dq @ wq.T + dk @ wk.T + dv @ wv.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv


def wrong_backward(dout, x, wq, wk, wv):
    t, heads = len(x), 2
    q = (x @ wq).reshape(t, heads, 3).transpose(1, 0, 2)
    k = (x @ wk).reshape(t, heads, 3).transpose(1, 0, 2)
    v = (x @ wv).reshape(t, heads, 2).transpose(1, 0, 2)
    s = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(3))
    p = s / s.sum(axis=-1, keepdims=True)
    do = dout.reshape(heads, t, 2)
    dv = p.transpose(0, 2, 1) @ do
    dp = do @ v.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / np.sqrt(3)
    dq = (ds @ k).transpose(1, 0, 2).reshape(t, 6)
    dk = (ds.transpose(0, 2, 1) @ q).transpose(1, 0, 2).reshape(t, 6)
    dv = dv.transpose(1, 0, 2).reshape(t, 4)
    dx = dq @ wq.T + dk @ wk.T + dv @ wv.T
    return dx, x.T @ dq, x.T @ dk, x.T @ dv

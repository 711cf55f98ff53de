import numpy as np

LABELS = {
    'id': 'e045',
    'op': 'self-attention with one fused matrix for queries, keys and values',
    'family': 'order of reshape',
    'wrong_lines': [15],
    'fix': {15: 'dqkv = np.stack([dq, dk, dv], axis=1).reshape(T, 3 * H * D)'},
    'note': '',
    'source': 'nanoGPT-like fused QKV (dq, dk, dv stacked on another axis)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3 + seed % 2, 4)), 0.6 * rng.standard_normal((4, 12)), rng.standard_normal((4, 4))


def forward(x, w_qkv, w_o):
    T, H, D = len(x), 2, 2
    q, k, v = np.moveaxis((x @ w_qkv).reshape(T, 3, H, D), 1, 0)
    s = np.einsum("thd,shd->hts", q, k) / np.sqrt(D)
    p = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
    return np.einsum("hts,shd->thd", p, v).reshape(T, H * D) @ w_o


def right_backward(dy, x, w_qkv, w_o):
    T, H, D = len(x), 2, 2
    q, k, v = np.moveaxis((x @ w_qkv).reshape(T, 3, H, D), 1, 0)
    s = np.einsum("thd,shd->hts", q, k) / np.sqrt(D)
    p = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
    o = np.einsum("hts,shd->thd", p, v).reshape(T, H * D)

    dw_o = o.T @ dy
    do = (dy @ w_o.T).reshape(T, H, D)
    dv = np.einsum("hts,thd->shd", p, do)
    dp = np.einsum("thd,shd->hts", do, v)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(D)
    dq = np.einsum("hts,shd->thd", ds, k)
    dk = np.einsum("hts,thd->shd", ds, q)
    dqkv = np.stack([dq, dk, dv], axis=1).reshape(T, 3 * H * D)
    return dqkv @ w_qkv.T, x.T @ dqkv, dw_o


def wrong_backward(dy, x, w_qkv, w_o):
    T, H, D = len(x), 2, 2
    q, k, v = np.moveaxis((x @ w_qkv).reshape(T, 3, H, D), 1, 0)
    s = np.einsum("thd,shd->hts", q, k) / np.sqrt(D)
    p = np.exp(s) / np.exp(s).sum(-1, keepdims=True)
    o = np.einsum("hts,shd->thd", p, v).reshape(T, H * D)

    dw_o = o.T @ dy
    do = (dy @ w_o.T).reshape(T, H, D)
    dv = np.einsum("hts,thd->shd", p, do)
    dp = np.einsum("thd,shd->hts", do, v)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(D)
    dq = np.einsum("hts,shd->thd", ds, k)
    dk = np.einsum("hts,thd->shd", ds, q)
    dqkv = np.stack([dq, dk, dv], axis=2).reshape(T, 3 * H * D)
    return dqkv @ w_qkv.T, x.T @ dqkv, dw_o

import numpy as np

LABELS = {
    'id': 'e003',
    'op': 'grouped-query attention, keys and values repeated over the groups',
    'family': 'order of reshape',
    'wrong_lines': [18, 19],
    'fix': {18: 'dk = dkk.reshape(KV, rep, T, D).sum(axis=1)', 19: 'dv = dvv.reshape(KV, rep, T, D).sum(axis=1)'},
    'note': 'two lines',
    'source': 'Llama-style repeat_kv undone in the backward',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = 3
    return rng.standard_normal((4, t, 2)), rng.standard_normal((2, t, 2)), rng.standard_normal((2, t, 2))


def forward(q, k, v):
    rep = q.shape[0] // k.shape[0]
    kk, vv = np.repeat(k, rep, axis=0), np.repeat(v, rep, axis=0)
    s = np.einsum("htd,hsd->hts", q, kk) / np.sqrt(q.shape[-1])
    s = np.where(np.tri(q.shape[1], dtype=bool), s, -1e30)
    a = np.exp(s - s.max(-1, keepdims=True))
    a /= a.sum(-1, keepdims=True)
    return np.einsum("hts,hsd->htd", a, vv)


def right_backward(dy, q, k, v):
    H, T, D = q.shape
    KV = k.shape[0]
    rep = H // KV
    kk, vv = np.repeat(k, rep, axis=0), np.repeat(v, rep, axis=0)
    s = np.einsum("htd,hsd->hts", q, kk) / np.sqrt(D)
    s = np.where(np.tri(T, dtype=bool), s, -1e30)
    a = np.exp(s - s.max(-1, keepdims=True))
    a /= a.sum(-1, keepdims=True)

    dvv = np.einsum("hts,htd->hsd", a, dy)
    da = np.einsum("htd,hsd->hts", dy, vv)
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / np.sqrt(D)
    dq = np.einsum("hts,hsd->htd", ds, kk)
    dkk = np.einsum("hts,htd->hsd", ds, q)

    # fold the repeated heads back
    dk = dkk.reshape(KV, rep, T, D).sum(axis=1)
    dv = dvv.reshape(KV, rep, T, D).sum(axis=1)
    return dq, dk, dv


def wrong_backward(dy, q, k, v):
    H, T, D = q.shape
    KV = k.shape[0]
    rep = H // KV
    kk, vv = np.repeat(k, rep, axis=0), np.repeat(v, rep, axis=0)
    s = np.einsum("htd,hsd->hts", q, kk) / np.sqrt(D)
    s = np.where(np.tri(T, dtype=bool), s, -1e30)
    a = np.exp(s - s.max(-1, keepdims=True))
    a /= a.sum(-1, keepdims=True)

    dvv = np.einsum("hts,htd->hsd", a, dy)
    da = np.einsum("htd,hsd->hts", dy, vv)
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / np.sqrt(D)
    dq = np.einsum("hts,hsd->htd", ds, kk)
    dkk = np.einsum("hts,htd->hsd", ds, q)

    # fold the repeated heads back
    dk = dkk.reshape(rep, KV, T, D).sum(axis=0)
    dv = dvv.reshape(rep, KV, T, D).sum(axis=0)
    return dq, dk, dv

import numpy as np

LABELS = {
    'id': 'd040',
    'op': 'grouped-query attention, key and value heads shared',
    'family': 'order of reshape',
    'wrong_lines': [16, 17],
    'fix': {16: 'dk = dkr.reshape(G, rep, T, d).sum(axis=1)', 17: 'dv = dvr.reshape(G, rep, T, d).sum(axis=1)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    t = int(rng.integers(2, 4))
    return rng.standard_normal((6, t, 2)), rng.standard_normal((2, t, 2)), rng.standard_normal((2, t, 2))


def forward(q, k, v):
    rep = len(q) // len(k)
    k, v = np.repeat(k, rep, axis=0), np.repeat(v, rep, axis=0)
    s = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[-1])
    p = np.exp(s - s.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def right_backward(dout, q, k, v):
    H, T, d = q.shape
    G = k.shape[0]
    rep = H // G
    kr, vr = np.repeat(k, rep, axis=0), np.repeat(v, rep, axis=0)
    s = q @ kr.transpose(0, 2, 1) / np.sqrt(d)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)

    dvr = p.transpose(0, 2, 1) @ dout
    dp = dout @ vr.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(d)
    dq = ds @ kr
    dkr = ds.transpose(0, 2, 1) @ q
    # heads that share a key/value head add up
    dk = dkr.reshape(G, rep, T, d).sum(axis=1)
    dv = dvr.reshape(G, rep, T, d).sum(axis=1)
    return dq, dk, dv


def wrong_backward(dout, q, k, v):
    H, T, d = q.shape
    G = k.shape[0]
    rep = H // G
    kr, vr = np.repeat(k, rep, axis=0), np.repeat(v, rep, axis=0)
    s = q @ kr.transpose(0, 2, 1) / np.sqrt(d)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)

    dvr = p.transpose(0, 2, 1) @ dout
    dp = dout @ vr.transpose(0, 2, 1)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(d)
    dq = ds @ kr
    dkr = ds.transpose(0, 2, 1) @ q
    # heads that share a key/value head add up
    dk = dkr.reshape(rep, G, T, d).sum(axis=0)
    dv = dvr.reshape(rep, G, T, d).sum(axis=0)
    return dq, dk, dv

import numpy as np

LABELS = {
    'id': 'e002',
    'op': 'attention in tiles with saved log-sum-exp',
    'family': 'not accumulated',
    'wrong_lines': [17],
    'fix': {17: 'dq[i : i + BLOCK] += ds @ kj'},
    'note': '',
    'source': 'FlashAttention-style backward in NumPy (dQ over the key tiles)',
}


BLOCK = 2


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal((6, 3)) for _ in range(3))


def forward(q, k, v):
    n, d = q.shape
    out = np.zeros_like(v)
    m = np.full(n, -np.inf)
    l = np.zeros(n)
    for j in range(0, n, BLOCK):
        s = q @ k[j : j + BLOCK].T / np.sqrt(d)
        m_new = np.maximum(m, s.max(axis=1))
        p = np.exp(s - m_new[:, None])
        alpha = np.exp(m - m_new)
        l = alpha * l + p.sum(axis=1)
        out = alpha[:, None] * out + p @ v[j : j + BLOCK]
        m = m_new
    return out / l[:, None]


def right_backward(do, q, k, v):
    n, d = q.shape
    scale = 1.0 / np.sqrt(d)
    s = scale * (q @ k.T)
    lse = np.log(np.exp(s - s.max(1, keepdims=True)).sum(1)) + s.max(1)
    o = np.exp(s - lse[:, None]) @ v
    delta = np.sum(do * o, axis=1)
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for j in range(0, n, BLOCK):
        kj, vj = k[j : j + BLOCK], v[j : j + BLOCK]
        for i in range(0, n, BLOCK):
            qi, doi = q[i : i + BLOCK], do[i : i + BLOCK]
            p = np.exp(scale * (qi @ kj.T) - lse[i : i + BLOCK, None])
            dv[j : j + BLOCK] += p.T @ doi
            dp = doi @ vj.T
            ds = p * (dp - delta[i : i + BLOCK, None]) * scale
            dq[i : i + BLOCK] += ds @ kj
            dk[j : j + BLOCK] += ds.T @ qi
    return dq, dk, dv


def wrong_backward(do, q, k, v):
    n, d = q.shape
    scale = 1.0 / np.sqrt(d)
    s = scale * (q @ k.T)
    lse = np.log(np.exp(s - s.max(1, keepdims=True)).sum(1)) + s.max(1)
    o = np.exp(s - lse[:, None]) @ v
    delta = np.sum(do * o, axis=1)
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for j in range(0, n, BLOCK):
        kj, vj = k[j : j + BLOCK], v[j : j + BLOCK]
        for i in range(0, n, BLOCK):
            qi, doi = q[i : i + BLOCK], do[i : i + BLOCK]
            p = np.exp(scale * (qi @ kj.T) - lse[i : i + BLOCK, None])
            dv[j : j + BLOCK] += p.T @ doi
            dp = doi @ vj.T
            ds = p * (dp - delta[i : i + BLOCK, None]) * scale
            dq[i : i + BLOCK] = ds @ kj
            dk[j : j + BLOCK] += ds.T @ qi
    return dq, dk, dv

import numpy as np

LABELS = {
    'id': 'b094',
    'op': 'attention with relative position bias',
    'family': 'transposed',
    'wrong_lines': [7, 8],
    'fix': {7: 'dq = ds @ k / np.sqrt(d)', 8: 'dk = ds.T @ q / np.sqrt(d)'},
    'note': 'two independent mistakes',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.standard_normal((4, 2)), rng.standard_normal(9)


def _bias(b, n):
    return b[np.arange(n)[:, None] - np.arange(n)[None, :] + n - 1]


def forward(q, k, v, b):
    s = q @ k.T / np.sqrt(q.shape[1]) + _bias(b, len(q))
    p = np.exp(s)
    return p / p.sum(axis=1, keepdims=True) @ v


def right_backward(dy, q, k, v, b):
    n, d = q.shape
    p = np.exp(q @ k.T / np.sqrt(d) + _bias(b, n))
    p = p / p.sum(axis=1, keepdims=True)
    dp = dy @ v.T
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    dq = ds @ k / np.sqrt(d)
    dk = ds.T @ q / np.sqrt(d)
    db = np.zeros_like(b)
    for i in range(n):
        for j in range(n):
            db[i - j + n - 1] += ds[i, j]
    return dq, dk, p.T @ dy, db


def wrong_backward(dy, q, k, v, b):
    n, d = q.shape
    p = np.exp(q @ k.T / np.sqrt(d) + _bias(b, n))
    p = p / p.sum(axis=1, keepdims=True)
    dp = dy @ v.T
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True))
    dq = ds @ k
    dk = ds @ q / np.sqrt(d)
    db = np.zeros_like(b)
    for i in range(n):
        for j in range(n):
            db[i - j + n - 1] += ds[i, j]
    return dq, dk, p.T @ dy, db

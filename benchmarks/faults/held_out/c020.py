import numpy as np

LABELS = {
    'id': 'c020',
    'op': 'attention scores with a relative position bias per head',
    'family': 'missing broadcast sum',
    'wrong_lines': [7],
    'fix': {7: 'shared = d.sum(axis=0)'},
    'note': '',
    'source': 'T5-like bias shared by the batch (and by all pairs at one distance)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    b, h, n = 2 + seed % 2, 3, 4
    return rng.standard_normal((b, h, n, 5)), rng.standard_normal((b, h, n, 5)), rng.standard_normal((h, 2 * n - 1))


def distance(n):
    return np.arange(n)[:, None] - np.arange(n)[None, :] + n - 1


def forward(q, k, bias):
    n = q.shape[2]
    return np.tanh(np.einsum("bhid,bhjd->bhij", q, k) / 4 + bias[:, distance(n)])


def right_backward(dscores, q, k, bias):
    n = q.shape[2]
    s = forward(q, k, bias)
    d = dscores * (1.0 - s**2)
    dq = np.einsum("bhij,bhjd->bhid", d, k) / 4
    dk = np.einsum("bhij,bhid->bhjd", d, q) / 4
    shared = d.sum(axis=0)
    dbias = np.zeros_like(bias)
    for i in range(n):
        for j in range(n):
            dbias[:, i - j + n - 1] += shared[:, i, j]
    return dq, dk, dbias


def wrong_backward(dscores, q, k, bias):
    n = q.shape[2]
    s = forward(q, k, bias)
    d = dscores * (1.0 - s**2)
    dq = np.einsum("bhij,bhjd->bhid", d, k) / 4
    dk = np.einsum("bhij,bhid->bhjd", d, q) / 4
    shared = d[0]
    dbias = np.zeros_like(bias)
    for i in range(n):
        for j in range(n):
            dbias[:, i - j + n - 1] += shared[:, i, j]
    return dq, dk, dbias

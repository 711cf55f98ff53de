import numpy as np

LABELS = {
    'id': 'e048',
    'op': 'rotary embedding of interleaved pairs, scores of queries and keys',
    'family': 'in-place modification',
    'wrong_lines': [6],
    'fix': {6: 'even = d[:, 0::2].copy()'},
    'note': '',
    'source': 'RoPE rotated back in place',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = 3 + seed % 2
    return rng.standard_normal((T, 4)), rng.standard_normal((T, 4))


def angles(T, D):
    return (np.arange(T)[:, None] + 1) / 10.0 ** (2 * np.arange(D // 2) / D)


def rotate(x):
    th = angles(*x.shape)
    out = np.empty_like(x)
    out[:, 0::2] = x[:, 0::2] * np.cos(th) - x[:, 1::2] * np.sin(th)
    out[:, 1::2] = x[:, 0::2] * np.sin(th) + x[:, 1::2] * np.cos(th)
    return out


def forward(q, k):
    return rotate(q) @ rotate(k).T


def right_backward(ds, q, k):
    grads = []
    for d in (ds @ rotate(k), ds.T @ rotate(q)):
        th = angles(*d.shape)
        c, s = np.cos(th), np.sin(th)
        even = d[:, 0::2].copy()
        odd = d[:, 1::2]
        d[:, 0::2] = even * c + odd * s
        d[:, 1::2] = odd * c - even * s
        grads.append(d)
    return grads[0], grads[1]


def wrong_backward(ds, q, k):
    grads = []
    for d in (ds @ rotate(k), ds.T @ rotate(q)):
        th = angles(*d.shape)
        c, s = np.cos(th), np.sin(th)
        even = d[:, 0::2]
        odd = d[:, 1::2]
        d[:, 0::2] = even * c + odd * s
        d[:, 1::2] = odd * c - even * s
        grads.append(d)
    return grads[0], grads[1]

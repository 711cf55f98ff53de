import numpy as np

LABELS = {
    'id': 'f017',
    'op': 'token shift with learned mixing before a projection (RWKV)',
    'family': 'off by one',
    'wrong_lines': [9],
    'fix': {9: 'dx[:, :-1] += (1 - mu) * dmixed[:, 1:]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    T = int(rng.integers(4, 7))
    return rng.standard_normal((2, T, 3)), rng.uniform(0, 1, 3), rng.standard_normal((3, 2))


def forward(x, mu, Wk):
    prev = np.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1]
    return (mu * x + (1 - mu) * prev) @ Wk


def right_backward(dk, x, mu, Wk):
    prev = np.zeros_like(x)
    prev[:, 1:] = x[:, :-1]
    mixed = mu * x + (1 - mu) * prev
    dWk = np.tensordot(mixed, dk, axes=([0, 1], [0, 1]))
    dmixed = dk @ Wk.T
    dmu = (dmixed * (x - prev)).sum(axis=(0, 1))
    dx = mu * dmixed
    dx[:, :-1] += (1 - mu) * dmixed[:, 1:]
    return dx, dmu, dWk


def wrong_backward(dk, x, mu, Wk):
    prev = np.zeros_like(x)
    prev[:, 1:] = x[:, :-1]
    mixed = mu * x + (1 - mu) * prev
    dWk = np.tensordot(mixed, dk, axes=([0, 1], [0, 1]))
    dmixed = dk @ Wk.T
    dmu = (dmixed * (x - prev)).sum(axis=(0, 1))
    dx = mu * dmixed
    dx[:, :-1] += (1 - mu) * dmixed[:, :-1]
    return dx, dmu, dWk

import numpy as np

LABELS = {
    'id': 'b133',
    'op': 'two layers with SiLU, activation recomputed in backward',
    'family': 'in-place modification',
    'wrong_lines': [4],
    'fix': {4: 'h = z.copy()'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal((4, 6)), rng.standard_normal((6, 2))


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(x, w1, w2):
    z = x @ w1
    return (z * _sigmoid(z)) @ w2


def right_backward(dout, x, w1, w2):
    z = x @ w1
    s = _sigmoid(z)
    h = z.copy()
    h *= s
    dw2 = h.T @ dout
    dh = dout @ w2.T
    dz = dh * (s + z * s * (1 - s))
    return dz @ w1.T, x.T @ dz, dw2


def wrong_backward(dout, x, w1, w2):
    z = x @ w1
    s = _sigmoid(z)
    h = z
    h *= s
    dw2 = h.T @ dout
    dh = dout @ w2.T
    dz = dh * (s + z * s * (1 - s))
    return dz @ w1.T, x.T @ dz, dw2

import numpy as np

LABELS = {
    'id': 'b001',
    'op': 'GRU cell, one step',
    'family': 'detached path',
    'wrong_lines': [11],
    'fix': {11: 'd_h = d_b @ u.T + grad_h * z'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 4)), rng.standard_normal((5, 3)), rng.standard_normal((4, 9)), rng.standard_normal((3, 9))


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def forward(x, h, w, u):
    a, b = x @ w, h @ u
    r = _sigmoid(a[:, :3] + b[:, :3])
    z = _sigmoid(a[:, 3:6] + b[:, 3:6])
    n = np.tanh(a[:, 6:] + r * b[:, 6:])
    return (1 - z) * n + z * h


def right_backward(grad_h, x, h, w, u):
    a, b = x @ w, h @ u
    r = _sigmoid(a[:, :3] + b[:, :3])
    z = _sigmoid(a[:, 3:6] + b[:, 3:6])
    n = np.tanh(a[:, 6:] + r * b[:, 6:])
    d_z = grad_h * (h - n) * z * (1 - z)
    d_n = grad_h * (1 - z) * (1 - n**2)
    d_r = d_n * b[:, 6:] * r * (1 - r)
    d_a = np.concatenate([d_r, d_z, d_n], axis=1)
    d_b = np.concatenate([d_r, d_z, d_n * r], axis=1)
    d_h = d_b @ u.T + grad_h * z
    return d_a @ w.T, d_h, x.T @ d_a, h.T @ d_b


def wrong_backward(grad_h, x, h, w, u):
    a, b = x @ w, h @ u
    r = _sigmoid(a[:, :3] + b[:, :3])
    z = _sigmoid(a[:, 3:6] + b[:, 3:6])
    n = np.tanh(a[:, 6:] + r * b[:, 6:])
    d_z = grad_h * (h - n) * z * (1 - z)
    d_n = grad_h * (1 - z) * (1 - n**2)
    d_r = d_n * b[:, 6:] * r * (1 - r)
    d_a = np.concatenate([d_r, d_z, d_n], axis=1)
    d_b = np.concatenate([d_r, d_z, d_n * r], axis=1)
    d_h = d_b @ u.T
    return d_a @ w.T, d_h, x.T @ d_a, h.T @ d_b

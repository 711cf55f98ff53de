import numpy as np

LABELS = {
    'id': 'd013',
    'op': 'sine layer with a learned frequency (SIREN)',
    'family': 'missing upstream dy',
    'wrong_lines': [8],
    'fix': {8: 'grad_omega = np.sum(grad_out * cos * z).reshape(1)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 7))
    return rng.uniform(-1, 1, (n, 2)), rng.standard_normal((2, 4)), rng.standard_normal(4), np.array([2.5])


def forward(coords, W, b, omega):
    return np.sin(omega * (coords @ W + b))


def right_backward(grad_out, coords, W, b, omega):
    z = coords @ W + b
    cos = np.cos(omega * z)
    grad_z = grad_out * cos * omega
    grad_W = coords.T @ grad_z
    grad_b = grad_z.sum(axis=0)
    grad_coords = grad_z @ W.T
    grad_omega = np.sum(grad_out * cos * z).reshape(1)
    return grad_coords, grad_W, grad_b, grad_omega


def wrong_backward(grad_out, coords, W, b, omega):
    z = coords @ W + b
    cos = np.cos(omega * z)
    grad_z = grad_out * cos * omega
    grad_W = coords.T @ grad_z
    grad_b = grad_z.sum(axis=0)
    grad_coords = grad_z @ W.T
    grad_omega = np.sum(cos * z).reshape(1)
    return grad_coords, grad_W, grad_b, grad_omega

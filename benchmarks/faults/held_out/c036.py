import numpy as np

LABELS = {
    'id': 'c036',
    'op': 'finite differences along an axis (total variation)',
    'family': 'off by one',
    'wrong_lines': [6],
    'fix': {6: 'du[:, :-1] -= p'},
    'note': '',
    'source': 'image denoising code (adjoint of np.diff)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 6 + seed % 3)),)


def forward(u):
    return np.sqrt(np.diff(u, axis=1) ** 2 + 1e-2)


def right_backward(g, u):
    d = u[:, 1:] - u[:, :-1]
    p = g * d / np.sqrt(d**2 + 1e-2)
    du = np.zeros_like(u)
    du[:, 1:] += p
    du[:, :-1] -= p
    return du


def wrong_backward(g, u):
    d = u[:, 1:] - u[:, :-1]
    p = g * d / np.sqrt(d**2 + 1e-2)
    du = np.zeros_like(u)
    du[:, 1:] += p
    du[:, 1:] -= p
    return du

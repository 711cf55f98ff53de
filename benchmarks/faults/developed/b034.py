import numpy as np

LABELS = {
    'id': 'b034',
    'op': 'spectral norm by one power step',
    'family': 'missing upstream dy',
    'wrong_lines': [11],
    'fix': {11: 'return dy * dw, dy * dv'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 5)), rng.standard_normal(5)


def forward(w, v):
    u = w @ v
    u = u / np.sqrt(u @ u)
    return u @ w @ v


def right_backward(dy, w, v):
    z = w @ v
    norm = np.sqrt(z @ z)
    u = z / norm
    dw = np.outer(u, v)
    dv = w.T @ u
    du = z
    dz = (du - u * (u @ du)) / norm
    dw += np.outer(dz, v)
    dv += w.T @ dz
    return dy * dw, dy * dv


def wrong_backward(dy, w, v):
    z = w @ v
    norm = np.sqrt(z @ z)
    u = z / norm
    dw = np.outer(u, v)
    dv = w.T @ u
    du = z
    dz = (du - u * (u @ du)) / norm
    dw += np.outer(dz, v)
    dv += w.T @ dz
    return dw, dy * dv

import numpy as np

LABELS = {
    'id': 'b031',
    'op': 'maxout over two pieces',
    'family': 'wrong mask/branch',
    'wrong_lines': [6],
    'fix': {6: 'dz[:, 3:] = dy * ~left'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal((4, 6))


def forward(x, w):
    z = x @ w
    return np.maximum(z[:, :3], z[:, 3:])


def right_backward(dy, x, w):
    z = x @ w
    left = z[:, :3] >= z[:, 3:]
    dz = np.zeros_like(z)
    dz[:, :3] = dy * left
    dz[:, 3:] = dy * ~left
    return dz @ w.T, x.T @ dz


def wrong_backward(dy, x, w):
    z = x @ w
    left = z[:, :3] >= z[:, 3:]
    dz = np.zeros_like(z)
    dz[:, :3] = dy * left
    dz[:, 3:] = dy * left
    return dz @ w.T, x.T @ dz

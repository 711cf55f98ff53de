import numpy as np

LABELS = {
    'id': 'b104',
    'op': 'ReLU6 after a linear layer',
    'family': 'wrong mask/branch',
    'wrong_lines': [3],
    'fix': {3: 'dz = np.where((z > 0) & (z < 6), dy, 0)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)) * 3, rng.standard_normal((3, 5)) * 2


def forward(x, w):
    return np.clip(x @ w, 0, 6)


def right_backward(dy, x, w):
    z = x @ w
    dz = np.where((z > 0) & (z < 6), dy, 0)
    return dz @ w.T, x.T @ dz


def wrong_backward(dy, x, w):
    z = x @ w
    dz = np.where(z > 0, dy, 0)
    return dz @ w.T, x.T @ dz

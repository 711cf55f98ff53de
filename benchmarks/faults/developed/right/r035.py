import numpy as np

LABELS = {
    'id': 'r035',
    'op': 'dead units: the gradient of most weights is exactly zero',
    'family': 'exact zeros',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    b = np.array([-9.0, -8.0, 0.5, -9.5, -10.0])
    return rng.random((3, 4)), 0.3 * rng.standard_normal((4, 5)), b


def forward(x, w, b):
    return np.maximum(x @ w + b, 0).sum(axis=1)


def right_backward(dy, x, w, b):
    dz = dy[:, None] * (x @ w + b > 0)
    return dz @ w.T, x.T @ dz, dz.sum(axis=0)

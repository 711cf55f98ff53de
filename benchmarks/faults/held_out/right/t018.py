import numpy as np

LABELS = {
    'id': 't018',
    'op': 'inverse of a matrix with condition number 1e7',
    'family': 'near singular',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    u, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    v, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    return (u @ np.diag([1.0, 0.3, 1e-2, 1e-7]) @ v,)


def forward(a):
    return np.linalg.inv(a)


def right_backward(g, a):
    y = np.linalg.inv(a)
    return -y.T @ g @ y.T


STEP = lambda x: np.full(x.shape, 1e-8)
LEAST = 1e-2

import numpy as np

LABELS = {
    'id': 'r043',
    'op': 'recurrent cell from a zero state',
    'family': 'zero gradient of one input',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 2)), np.zeros((4, 3)), rng.standard_normal((2, 3)), rng.standard_normal((3, 3))


def forward(x, h, w, u):
    return np.tanh(x @ w + h @ u)


def right_backward(dy, x, h, w, u):
    dz = dy * (1 - np.tanh(x @ w + h @ u) ** 2)
    return dz @ w.T, dz @ u.T, x.T @ dz, h.T @ dz


OPTIONS = {"expect_zero": ("u",)}

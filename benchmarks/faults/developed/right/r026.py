import numpy as np

LABELS = {
    'id': 'r026',
    'op': 'matrix in column-major order, a reversed view beside it',
    'family': 'memory order',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.asfortranarray(rng.standard_normal((4, 3))), rng.standard_normal((5, 3))[::-1].T


def forward(a, b):
    return (a @ b).ravel(order="F")


def right_backward(dy, a, b):
    g = dy.reshape((a.shape[0], b.shape[1]), order="F")
    return g @ b.T, a.T @ g

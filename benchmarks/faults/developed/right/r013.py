import numpy as np

LABELS = {
    'id': 'r013',
    'op': 'gather, square and scatter with repeated indices',
    'family': 'repeated indices',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 2)), np.array([0, 4, 4, 4, 1, 0]), np.array([2, 2, 0, 1, 1, 2])


def forward(x, src, dst):
    out = np.zeros((3, 2))
    np.add.at(out, dst, x[src] ** 2)
    return out


def right_backward(dy, x, src, dst):
    dx = np.zeros_like(x)
    np.add.at(dx, src, 2 * x[src] * dy[dst])
    return dx, None, None

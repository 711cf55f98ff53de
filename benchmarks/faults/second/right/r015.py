import numpy as np

LABELS = {
    'id': 'r015',
    'op': 'reversed and transposed view, gradient is a view too',
    'family': 'views',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.asfortranarray(rng.standard_normal((4, 6)))[::-1, ::2], rng.standard_normal((3, 3, 2)).transpose(2, 0, 1)


def forward(a, b):
    return a.T[::-1] * 2.0 + np.einsum("ijk->j", b)[:, None]


def right_backward(dy, a, b):
    da = 2.0 * dy[::-1].T
    return da, np.broadcast_to(dy.sum(1)[None, :, None], b.shape)

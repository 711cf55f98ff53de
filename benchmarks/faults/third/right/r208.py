import numpy as np

LABELS = {
    'id': 'r208',
    'op': 'sliding-window energies through a strided view, gradient added through slices',
    'family': 'views',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(8, 12))
    return rng.standard_normal(n), rng.standard_normal(3)


def forward(x, w):
    v = np.lib.stride_tricks.sliding_window_view(x, 3)[::2]
    return (v * w) ** 2 @ np.ones(3)


def right_backward(dy, x, w):
    v = np.lib.stride_tricks.sliding_window_view(x, 3)[::2]
    g = 2 * dy[:, None] * v * w
    dx = np.zeros_like(x)
    for k in range(3):
        dx[k:k + 2 * len(dy) - 1:2] += g[:, k] * w[k]
    return dx, np.einsum("nk,nk->k", g, v)

import numpy as np

LABELS = {
    'id': 'r104',
    'op': 'convolution with a workspace that is kept between the calls',
    'family': 'caches',
    'note': 'the buffer is looked up by shape and cleared before use',
}


WORKSPACE = {}


def columns(shape):
    if shape not in WORKSPACE:
        WORKSPACE[shape] = np.full(shape, np.nan)
    return WORKSPACE[shape]


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 6 + seed % 3)), rng.standard_normal((3, 2, 3))


def forward(x, w):
    n = x.shape[1] - 2
    col = columns((2, 3, n))
    for k in range(3):
        col[:, k] = x[:, k : k + n]
    return np.tensordot(w, col, axes=([1, 2], [0, 1]))


def right_backward(dy, x, w):
    n = x.shape[1] - 2
    col = columns((2, 3, n))
    for k in range(3):
        col[:, k] = x[:, k : k + n]
    dw = np.tensordot(dy, col, axes=([1], [2]))
    col[:] = np.tensordot(w, dy, axes=([0], [0]))
    dx = columns(x.shape)
    dx[:] = 0
    for k in range(3):
        dx[:, k : k + n] += col[:, k]
    return dx.copy(), dw

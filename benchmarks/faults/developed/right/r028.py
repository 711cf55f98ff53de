import numpy as np

LABELS = {
    'id': 'r028',
    'op': 'max pooling of a rectified map with whole windows of zeros',
    'family': 'ties',
    'note': '',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = np.maximum(rng.standard_normal((2, 6, 8)) - 0.3, 0)
    return (x,)


def forward(x):
    n, h, w = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2).max(axis=(2, 4))


def right_backward(dy, x):
    dx = np.zeros_like(x)
    for n, i, j in np.ndindex(dy.shape):
        window = x[n, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        a, b = np.unravel_index(window.argmax(), window.shape)
        dx[n, 2 * i + a, 2 * j + b] += dy[n, i, j]
    return dx

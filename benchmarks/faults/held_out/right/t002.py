import numpy as np

LABELS = {
    'id': 't002',
    'op': 'max pooling 2 x 2 of a rectified image',
    'family': 'ties',
    'note': 'whole windows are 0',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 4, 6)) - 0.6,)


def forward(x):
    r = np.maximum(x, 0)
    return r.reshape(2, 2, 2, 3, 2).max(axis=(2, 4))


def right_backward(dy, x):
    c, h, w = x.shape
    r = np.maximum(x, 0)
    dx = np.zeros(x.shape)
    for k in range(c):
        for i in range(h // 2):
            for j in range(w // 2):
                win = r[k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
                a, b = divmod(int(win.argmax()), 2)
                dx[k, 2 * i + a, 2 * j + b] = dy[k, i, j]
    return dx * (x > 0)

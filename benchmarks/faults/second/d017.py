import numpy as np

LABELS = {
    'id': 'd017',
    'op': 'max pooling 2d, window 3, stride 2, windows overlap',
    'family': 'not accumulated',
    'wrong_lines': [10],
    'fix': {10: 'dx[n, c, 2 * i + a, 2 * j + b] += dout[n, c, i, j]'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((1, 2, 5, 5))
    x[:, :, 2, 2] += 3
    return (x,)


def forward(x):
    n, c, h, w = x.shape
    y = np.empty((n, c, (h - 3) // 2 + 1, (w - 3) // 2 + 1))
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            y[:, :, i, j] = x[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max(axis=(2, 3))
    return y


def right_backward(dout, x):
    N, C, HH, WW = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(HH):
                for j in range(WW):
                    win = x[n, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
                    a, b = np.unravel_index(np.argmax(win), win.shape)
                    dx[n, c, 2 * i + a, 2 * j + b] += dout[n, c, i, j]
    return dx


def wrong_backward(dout, x):
    N, C, HH, WW = dout.shape
    dx = np.zeros_like(x)
    for n in range(N):
        for c in range(C):
            for i in range(HH):
                for j in range(WW):
                    win = x[n, c, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
                    a, b = np.unravel_index(np.argmax(win), win.shape)
                    dx[n, c, 2 * i + a, 2 * j + b] = dout[n, c, i, j]
    return dx

import numpy as np

LABELS = {
    'id': 'c078',
    'op': 'max pooling 2d, window 2, odd sizes',
    'family': 'wrong stride/padding',
    'wrong_lines': [7],
    'fix': {7: 'top, left = i * SH, j * SW'},
    'note': 'windows overlap in one direction',
    'source': 'devitocodes/joey#5 (stride of backward against that of forward)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 5, 8)),)


SH, SW = 1, 2


def forward(x):
    c, h, w = x.shape
    oh, ow = (h - 2) // SH + 1, (w - 2) // SW + 1
    y = np.empty((c, oh, ow))
    for i in range(oh):
        for j in range(ow):
            y[:, i, j] = x[:, i * SH : i * SH + 2, j * SW : j * SW + 2].max(axis=(1, 2))
    return y


def right_backward(dy, x):
    dx = np.zeros_like(x)
    c, oh, ow = dy.shape
    for ch in range(c):
        for i in range(oh):
            for j in range(ow):
                top, left = i * SH, j * SW
                win = x[ch, top : top + 2, left : left + 2]
                k = np.argmax(win)
                dx[ch, top + k // 2, left + k % 2] += dy[ch, i, j]
    return dx


def wrong_backward(dy, x):
    dx = np.zeros_like(x)
    c, oh, ow = dy.shape
    for ch in range(c):
        for i in range(oh):
            for j in range(ow):
                top, left = i * SH, j * SH
                win = x[ch, top : top + 2, left : left + 2]
                k = np.argmax(win)
                dx[ch, top + k // 2, left + k % 2] += dy[ch, i, j]
    return dx

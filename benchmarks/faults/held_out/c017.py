import numpy as np

LABELS = {
    'id': 'c017',
    'op': 'average pooling that does not count the padding',
    'family': 'wrong scale',
    'wrong_lines': [8],
    'fix': {8: 'count = (r1 - r0) * (c1 - c0)'},
    'note': '',
    'source': 'count_include_pad, a long list of framework issues',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 6, 5)),)


def forward(x):
    c, h, w = x.shape
    y = np.zeros((c, h, w))
    for i in range(h):
        for j in range(w):
            y[:, i, j] = x[:, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].mean(axis=(1, 2))
    return y


def right_backward(dy, x):
    h, w = x.shape[1:]
    dx = np.zeros_like(x)
    for i in range(h):
        for j in range(w):
            r0, r1 = max(i - 1, 0), min(i + 2, h)
            c0, c1 = max(j - 1, 0), min(j + 2, w)
            count = (r1 - r0) * (c1 - c0)
            dx[:, r0:r1, c0:c1] += dy[:, i : i + 1, j : j + 1] / count
    return dx


def wrong_backward(dy, x):
    h, w = x.shape[1:]
    dx = np.zeros_like(x)
    for i in range(h):
        for j in range(w):
            r0, r1 = max(i - 1, 0), min(i + 2, h)
            c0, c1 = max(j - 1, 0), min(j + 2, w)
            count = 9
            dx[:, r0:r1, c0:c1] += dy[:, i : i + 1, j : j + 1] / count
    return dx

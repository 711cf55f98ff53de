import numpy as np

LABELS = {
    'id': 'b132',
    'op': 'global maximum of each image with its flat position',
    'family': 'wrong variable',
    'wrong_lines': [6],
    'fix': {6: 'row, col = k // w, k % w'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3]))
    return (rng.standard_normal((n, 7, 4)),)


def forward(x):
    return x.reshape(len(x), -1).max(axis=1) ** 2


def right_backward(dy, x):
    n, h, w = x.shape
    dx = np.zeros_like(x)
    for b in range(n):
        k = int(x[b].argmax())
        row, col = k // w, k % w
        dx[b, row, col] = 2 * dy[b] * x[b].max()
    return dx


def wrong_backward(dy, x):
    n, h, w = x.shape
    dx = np.zeros_like(x)
    for b in range(n):
        k = int(x[b].argmax())
        row, col = k // h, k % w
        dx[b, row, col] = 2 * dy[b] * x[b].max()
    return dx

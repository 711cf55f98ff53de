import numpy as np

LABELS = {
    'id': 'b017',
    'op': 'dilated convolution 1d',
    'family': 'wrong stride/padding',
    'wrong_lines': [7],
    'fix': {7: 'dw[:, :, k] = dy @ x[:, 2 * k : 2 * k + n].T'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([8, 9, 10]))
    return rng.standard_normal((2, n)), rng.standard_normal((3, 2, 3))


def forward(x, w):
    n = x.shape[1] - 4
    return sum(w[:, :, k] @ x[:, 2 * k : 2 * k + n] for k in range(3))


def right_backward(dy, x, w):
    n = dy.shape[1]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for k in range(3):
        dx[:, 2 * k : 2 * k + n] += w[:, :, k].T @ dy
        dw[:, :, k] = dy @ x[:, 2 * k : 2 * k + n].T
    return dx, dw


def wrong_backward(dy, x, w):
    n = dy.shape[1]
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for k in range(3):
        dx[:, 2 * k : 2 * k + n] += w[:, :, k].T @ dy
        dw[:, :, k] = dy @ x[:, k : k + n].T
    return dx, dw

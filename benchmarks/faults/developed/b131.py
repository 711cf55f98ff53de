import numpy as np

LABELS = {
    'id': 'b131',
    'op': 'transposed convolution 2d, stride 2, cropped border',
    'family': 'wrong stride/padding',
    'wrong_lines': [2],
    'fix': {2: 'grad_full = np.pad(grad_y, ((0, 0), (1, 1), (1, 1)))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 5, 3, 3))


def forward(x, w):
    c, h, wd = x.shape
    full = np.zeros((w.shape[1], 2 * h + 1, 2 * wd + 1))
    for i in range(h):
        for j in range(wd):
            full[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.tensordot(x[:, i, j], w, axes=(0, 0))
    return full[:, 1:-1, 1:-1]


def right_backward(grad_y, x, w):
    grad_full = np.pad(grad_y, ((0, 0), (1, 1), (1, 1)))
    grad_x, grad_w = np.zeros_like(x), np.zeros_like(w)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            block = grad_full[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            grad_x[:, i, j] = np.tensordot(w, block, axes=3)
            grad_w += x[:, i, j][:, None, None, None] * block
    return grad_x, grad_w


def wrong_backward(grad_y, x, w):
    grad_full = np.pad(grad_y, ((0, 0), (0, 2), (0, 2)))
    grad_x, grad_w = np.zeros_like(x), np.zeros_like(w)
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            block = grad_full[:, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
            grad_x[:, i, j] = np.tensordot(w, block, axes=3)
            grad_w += x[:, i, j][:, None, None, None] * block
    return grad_x, grad_w

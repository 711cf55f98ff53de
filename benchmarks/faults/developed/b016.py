import numpy as np

LABELS = {
    'id': 'b016',
    'op': 'transposed convolution 1d, stride 2',
    'family': 'wrong stride/padding',
    'wrong_lines': [5],
    'fix': {5: 'piece = dy[:, 2 * i : 2 * i + k]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 5)), rng.standard_normal((3, 2, 4))


def forward(x, w):
    c, n = x.shape
    y = np.zeros((w.shape[1], 2 * (n - 1) + w.shape[2]))
    for i in range(n):
        y[:, 2 * i : 2 * i + w.shape[2]] += np.einsum("c,cok->ok", x[:, i], w)
    return y


def right_backward(dy, x, w):
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    k = w.shape[2]
    for i in range(x.shape[1]):
        piece = dy[:, 2 * i : 2 * i + k]
        dx[:, i] = np.einsum("ok,cok->c", piece, w)
        dw += np.einsum("c,ok->cok", x[:, i], piece)
    return dx, dw


def wrong_backward(dy, x, w):
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    k = w.shape[2]
    for i in range(x.shape[1]):
        piece = dy[:, i : i + k]
        dx[:, i] = np.einsum("ok,cok->c", piece, w)
        dw += np.einsum("c,ok->cok", x[:, i], piece)
    return dx, dw

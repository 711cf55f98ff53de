import numpy as np

LABELS = {
    'id': 'b099',
    'op': 'grouped convolution 1d with stride 2',
    'family': 'wrong stride/padding',
    'wrong_lines': [8, 9],
    'fix': {8: 'dx[2 * g : 2 * g + 2, s : s + 3] += np.einsum("o,oik->ik", dyg[:, o], wg)', 9: 'dw[3 * g : 3 * g + 3] += dyg[:, o][:, None, None] * x[2 * g : 2 * g + 2, s : s + 3]'},
    'note': 'two lines',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 7)), rng.standard_normal((6, 2, 3))


def forward(x, w):
    out = (x.shape[1] - 3) // 2 + 1
    y = np.zeros((6, out))
    for g in range(2):
        for k in range(3):
            y[3 * g : 3 * g + 3] += w[3 * g : 3 * g + 3, :, k] @ x[2 * g : 2 * g + 2, k : k + 2 * out : 2][:, :out]
    return y


def right_backward(dy, x, w):
    out = dy.shape[1]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for g in range(2):
        wg, dyg = w[3 * g : 3 * g + 3], dy[3 * g : 3 * g + 3]
        for o in range(out):
            s = 2 * o
            dx[2 * g : 2 * g + 2, s : s + 3] += np.einsum("o,oik->ik", dyg[:, o], wg)
            dw[3 * g : 3 * g + 3] += dyg[:, o][:, None, None] * x[2 * g : 2 * g + 2, s : s + 3]
    return dx, dw


def wrong_backward(dy, x, w):
    out = dy.shape[1]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for g in range(2):
        wg, dyg = w[3 * g : 3 * g + 3], dy[3 * g : 3 * g + 3]
        for o in range(out):
            s = 2 * o
            dx[2 * g : 2 * g + 2, o : o + 3] += np.einsum("o,oik->ik", dyg[:, o], wg)
            dw[3 * g : 3 * g + 3] += dyg[:, o][:, None, None] * x[2 * g : 2 * g + 2, o : o + 3]
    return dx, dw

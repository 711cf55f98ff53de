import numpy as np

LABELS = {
    'id': 'r112',
    'op': 'isotonic regression by pooling adjacent violators',
    'family': 'piecewise linear',
    'note': 'the gradient is the mean over each pooled block',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = 7 + seed % 3
    return 0.3 * np.arange(n) + rng.standard_normal(n), 0.5 + rng.random(n)


def pools(y, w):
    blocks = []
    for i in range(len(y)):
        blocks.append([[i], y[i], w[i]])
        while len(blocks) > 1 and blocks[-2][1] >= blocks[-1][1]:
            j, v, u = blocks.pop()
            i0, a, b = blocks.pop()
            blocks.append([i0 + j, (a * b + v * u) / (b + u), b + u])
    return blocks


def forward(y, w):
    out = np.empty_like(y)
    for idx, value, _ in pools(y, w):
        out[idx] = value
    return out


def right_backward(dout, y, w):
    dy, dw = np.empty_like(y), np.empty_like(w)
    for idx, value, total in pools(y, w):
        g = dout[idx].sum() / total
        dy[idx] = g * w[idx]
        dw[idx] = g * (y[idx] - value)
    return dy, dw

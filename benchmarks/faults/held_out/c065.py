import numpy as np

LABELS = {
    'id': 'c065',
    'op': 'depthwise convolution 1d over a batch',
    'family': 'stale or overwritten buffer',
    'wrong_lines': [6],
    'fix': {6: 'insert before: full[:] = 0.0'},
    'note': 'the scratch array outlives the call',
    'source': 'buffers allocated once, outside the loop of the batch',
}


SCRATCH = np.zeros((2, 7))


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 2, 7)), rng.standard_normal((2, 3))


def forward(x, w):
    L = x.shape[2] - w.shape[1] + 1
    return np.stack([(w[:, :, None] * np.stack([s[:, k : k + L] for k in range(w.shape[1])], axis=1)).sum(axis=1) for s in x])


def right_backward(dy, x, w):
    n, k, out = len(x), w.shape[1], dy.shape[2]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    full = SCRATCH
    for s in range(n):
        full[:] = 0.0
        for j in range(k):
            full[:, j : j + out] += w[:, j, None] * dy[s]
            dw[:, j] += np.sum(dy[s] * x[s, :, j : j + out], axis=1)
        dx[s] = full
    return dx, dw


def wrong_backward(dy, x, w):
    n, k, out = len(x), w.shape[1], dy.shape[2]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    full = SCRATCH
    for s in range(n):
        for j in range(k):
            full[:, j : j + out] += w[:, j, None] * dy[s]
            dw[:, j] += np.sum(dy[s] * x[s, :, j : j + out], axis=1)
        dx[s] = full
    return dx, dw

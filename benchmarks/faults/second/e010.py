import numpy as np

LABELS = {
    'id': 'e010',
    'op': 'adaptive average pooling to 3 columns of 7',
    'family': 'dtype or integer division',
    'wrong_lines': [6],
    'fix': {6: 'end = int(np.ceil((i + 1) * n / m))'},
    'note': '',
    'source': 'adaptive_avg_pool1d: end index ceil((i+1) n / m)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 7 + seed % 2)),)


def forward(x):
    n, m = x.shape[1], 3
    cols = []
    for i in range(m):
        cols.append(x[:, (i * n) // m : -((-(i + 1) * n) // m)].mean(axis=1))
    return np.stack(cols, axis=1)


def right_backward(dy, x):
    n, m = x.shape[1], dy.shape[1]
    dx = np.zeros_like(x)
    for i in range(m):
        start = int(np.floor(i * n / m))
        end = int(np.ceil((i + 1) * n / m))
        dx[:, start:end] += dy[:, i : i + 1] / (end - start)
    return dx


def wrong_backward(dy, x):
    n, m = x.shape[1], dy.shape[1]
    dx = np.zeros_like(x)
    for i in range(m):
        start = int(np.floor(i * n / m))
        end = int(np.ceil((i + 1) * n // m))
        dx[:, start:end] += dy[:, i : i + 1] / (end - start)
    return dx

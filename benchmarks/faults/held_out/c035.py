import numpy as np

LABELS = {
    'id': 'c035',
    'op': 'causal moving average of length 3',
    'family': 'off by one',
    'wrong_lines': [7],
    'fix': {7: 'lo = max(0, t - 2)'},
    'note': '',
    'source': 'financial and audio filters (window of the adjoint starts one later)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 8 + seed % 3)),)


def forward(x):
    T = x.shape[1]
    return np.stack([x[:, max(0, t - 2) : t + 1].sum(axis=1) / 3 for t in range(T)], axis=1)


def right_backward(dy, x):
    T = x.shape[1]
    dx = np.zeros_like(x)
    t = T
    while t > 0:
        t -= 1
        lo = max(0, t - 2)
        dx[:, lo : t + 1] += dy[:, t, None] / 3
    return dx


def wrong_backward(dy, x):
    T = x.shape[1]
    dx = np.zeros_like(x)
    t = T
    while t > 0:
        t -= 1
        lo = max(0, t - 3)
        dx[:, lo : t + 1] += dy[:, t, None] / 3
    return dx

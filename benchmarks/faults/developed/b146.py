import numpy as np

LABELS = {
    'id': 'b146',
    'op': 'local response normalisation across channels',
    'family': 'off by one',
    'wrong_lines': [7],
    'fix': {7: 'for j in range(max(0, c - 1), min(k, c + 2)):'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 6)),)


def _window(v, c):
    return v[:, max(0, c - 1) : min(v.shape[1], c + 2)].sum(axis=1)


def forward(x):
    s = np.stack([_window(x**2, c) for c in range(x.shape[1])], axis=1)
    return x * (1 + 0.5 * s) ** -0.75


def right_backward(dy, x):
    k = x.shape[1]
    s = 1 + 0.5 * np.stack([_window(x**2, c) for c in range(k)], axis=1)
    ds = dy * x * -0.75 * s**-1.75 * 0.5
    dx = dy * s**-0.75
    for c in range(k):
        for j in range(max(0, c - 1), min(k, c + 2)):
            dx[:, j] += ds[:, c] * 2 * x[:, j]
    return dx


def wrong_backward(dy, x):
    k = x.shape[1]
    s = 1 + 0.5 * np.stack([_window(x**2, c) for c in range(k)], axis=1)
    ds = dy * x * -0.75 * s**-1.75 * 0.5
    dx = dy * s**-0.75
    for c in range(k):
        for j in range(max(0, c - 1), min(k, c + 1)):
            dx[:, j] += ds[:, c] * 2 * x[:, j]
    return dx

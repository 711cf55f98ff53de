import numpy as np

LABELS = {
    'id': 'b100',
    'op': 'max pooling with padding 1, stride 2',
    'family': 'wrong stride/padding',
    'wrong_lines': [6],
    'fix': {6: 'lo = max(o * stride - pad, 0)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([2, 3]))
    return (rng.standard_normal((n, 7)),)


def forward(x):
    p = np.pad(x, ((0, 0), (1, 1)), constant_values=-np.inf)
    return np.stack([p[:, 2 * o : 2 * o + 3].max(axis=1) for o in range(4)], axis=1)


def right_backward(dy, x):
    pad, stride = 1, 2
    dx = np.zeros_like(x)
    for b in range(dy.shape[0]):
        for o in range(dy.shape[1]):
            lo = max(o * stride - pad, 0)
            hi = min(o * stride - pad + 3, x.shape[1])
            best = lo + np.argmax(x[b, lo:hi])
            dx[b, best] += dy[b, o]
    return dx


def wrong_backward(dy, x):
    pad, stride = 1, 2
    dx = np.zeros_like(x)
    for b in range(dy.shape[0]):
        for o in range(dy.shape[1]):
            lo = max(o * stride, 0)
            hi = min(o * stride - pad + 3, x.shape[1])
            best = lo + np.argmax(x[b, lo:hi])
            dx[b, best] += dy[b, o]
    return dx

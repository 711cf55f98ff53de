import numpy as np

LABELS = {
    'id': 'b113',
    'op': 'sequence of frames, differences stacked',
    'family': 'sign',
    'wrong_lines': [5],
    'fix': {5: 'behind = [-dy[t] for t in range(steps - 1)] + [zero]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)), rng.standard_normal(3)


def forward(x, w):
    return np.stack([x[t + 1] * w - x[t] for t in range(len(x) - 1)])


def right_backward(dy, x, w):
    steps = len(x)
    zero = np.zeros(x.shape[1])
    ahead = [zero] + [dy[t] * w for t in range(steps - 1)]
    behind = [-dy[t] for t in range(steps - 1)] + [zero]
    dx = np.stack([p + q for p, q in zip(ahead, behind)])
    dw = sum(dy[t] * x[t + 1] for t in range(steps - 1))
    return dx, dw


def wrong_backward(dy, x, w):
    steps = len(x)
    zero = np.zeros(x.shape[1])
    ahead = [zero] + [dy[t] * w for t in range(steps - 1)]
    behind = [dy[t] for t in range(steps - 1)] + [zero]
    dx = np.stack([p + q for p, q in zip(ahead, behind)])
    dw = sum(dy[t] * x[t + 1] for t in range(steps - 1))
    return dx, dw

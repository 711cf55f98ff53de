import numpy as np

LABELS = {
    'id': 'b063',
    'op': 'gamma correction of an image',
    'family': 'not finite',
    'wrong_lines': [4],
    'fix': {4: 'logx = np.log(np.maximum(x, 1e-300))'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((4, 5))
    x[0, 0] = x[2, 3] = 0.0
    return x, np.array([2.2])


def forward(x, gamma):
    return np.maximum(x, 0) ** gamma


def right_backward(dy, x, gamma):
    y = np.maximum(x, 0) ** gamma
    dx = dy * gamma * np.maximum(x, 0) ** (gamma - 1)
    logx = np.log(np.maximum(x, 1e-300))
    return dx, np.array([np.sum(dy * y * logx)])


def wrong_backward(dy, x, gamma):
    y = np.maximum(x, 0) ** gamma
    dx = dy * gamma * np.maximum(x, 0) ** (gamma - 1)
    logx = np.log(x)
    return dx, np.array([np.sum(dy * y * logx)])

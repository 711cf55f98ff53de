import numpy as np

LABELS = {
    'id': 'b080',
    'op': 'divisive normalisation by the mean magnitude',
    'family': 'detached path',
    'wrong_lines': [5],
    'fix': {5: 'insert before: dx += through * np.sign(x) / x.shape[1]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([3, 4]))
    return (rng.standard_normal((n, 5)),)


def forward(x):
    return x / (1 + np.abs(x).mean(axis=1, keepdims=True))


def right_backward(dy, x):
    d = 1 + np.abs(x).mean(axis=1, keepdims=True)
    through = -(dy * x).sum(axis=1, keepdims=True) / d**2
    dx = dy / d
    dx += through * np.sign(x) / x.shape[1]
    return dx


def wrong_backward(dy, x):
    d = 1 + np.abs(x).mean(axis=1, keepdims=True)
    through = -(dy * x).sum(axis=1, keepdims=True) / d**2
    dx = dy / d
    return dx

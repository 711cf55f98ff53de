import numpy as np

LABELS = {
    'id': 'b058',
    'op': 'softplus with learned sharpness',
    'family': 'missing upstream dy',
    'wrong_lines': [5],
    'fix': {5: 'db = upstream * (s * x / b - np.log1p(np.exp(z)) / b**2)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.random(4) + 0.5


def forward(x, b):
    return np.log1p(np.exp(b * x)) / b


def right_backward(upstream, x, b):
    z = b * x
    s = 1 / (1 + np.exp(-z))
    dx = upstream * s
    db = upstream * (s * x / b - np.log1p(np.exp(z)) / b**2)
    return dx, db.sum(axis=0)


def wrong_backward(upstream, x, b):
    z = b * x
    s = 1 / (1 + np.exp(-z))
    dx = upstream * s
    db = s * x / b - np.log1p(np.exp(z)) / b**2
    return dx, db.sum(axis=0)

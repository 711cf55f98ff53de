import numpy as np

LABELS = {
    'id': 'b049',
    'op': 'inverted dropout, keep 0.6',
    'family': 'dtype or integer division',
    'wrong_lines': [4],
    'fix': {4: 'return dy * mask * (1 / keep)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((4, 7)),)


def forward(x):
    keep = 0.6
    mask = np.random.default_rng(3).random(x.shape) < keep
    return x * mask / keep


def right_backward(dy, x):
    keep = 0.6
    mask = np.random.default_rng(3).random(x.shape) < keep
    return dy * mask * (1 / keep)


def wrong_backward(dy, x):
    keep = 0.6
    mask = np.random.default_rng(3).random(x.shape) < keep
    return dy * mask * (1 // keep)

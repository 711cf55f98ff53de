import numpy as np

LABELS = {
    'id': 'b066',
    'op': 'running mean along time',
    'family': 'wrong axis',
    'wrong_lines': [3],
    'fix': {3: 'return np.flip(np.cumsum(np.flip(scaled, axis=1), axis=1), axis=1)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3, 5)),)


def forward(x):
    return np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)


def right_backward(dy, x):
    scaled = dy / np.arange(1, x.shape[1] + 1)
    return np.flip(np.cumsum(np.flip(scaled, axis=1), axis=1), axis=1)


def wrong_backward(dy, x):
    scaled = dy / np.arange(1, x.shape[1] + 1)
    return np.flip(np.cumsum(np.flip(scaled, axis=0), axis=0), axis=0)

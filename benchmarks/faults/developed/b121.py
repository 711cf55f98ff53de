import numpy as np

LABELS = {
    'id': 'b121',
    'op': 'maximum over time of a feature sequence',
    'family': 'wrong axis',
    'wrong_lines': [4],
    'fix': {4: 'np.put_along_axis(dx, winner[:, None, :], dy[:, None, :], axis=1)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 5, 5)),)


def forward(x):
    return x.max(axis=1)


def right_backward(dy, x):
    winner = x.argmax(axis=1)
    dx = np.zeros_like(x)
    np.put_along_axis(dx, winner[:, None, :], dy[:, None, :], axis=1)
    return dx


def wrong_backward(dy, x):
    winner = x.argmax(axis=1)
    dx = np.zeros_like(x)
    np.put_along_axis(dx, winner[:, :, None], dy[:, :, None], axis=2)
    return dx

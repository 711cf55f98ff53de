import numpy as np

LABELS = {
    'id': 'b124',
    'op': 'nearest upsampling by 2',
    'family': 'not accumulated',
    'wrong_lines': [3],
    'fix': {3: 'return dx[:, :, ::2] + dx[:, :, 1::2]'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, 4, 5)),)


def forward(x):
    return x.repeat(2, axis=1).repeat(2, axis=2)


def right_backward(dy, x):
    dx = dy[:, ::2] + dy[:, 1::2]
    return dx[:, :, ::2] + dx[:, :, 1::2]


def wrong_backward(dy, x):
    dx = dy[:, ::2] + dy[:, 1::2]
    return dx[:, :, ::2]

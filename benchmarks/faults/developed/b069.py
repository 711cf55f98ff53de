import numpy as np

LABELS = {
    'id': 'b069',
    'op': 'full convolution with np.convolve',
    'family': 'not flipped',
    'wrong_lines': [2],
    'fix': {2: 'dx = np.convolve(dy, w[::-1], mode="valid")'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(6), rng.standard_normal(3)


def forward(x, w):
    return np.convolve(x, w)


def right_backward(dy, x, w):
    dx = np.convolve(dy, w[::-1], mode="valid")
    dw = np.convolve(dy, x[::-1], mode="valid")
    return dx, dw


def wrong_backward(dy, x, w):
    dx = np.convolve(dy, w, mode="valid")
    dw = np.convolve(dy, x[::-1], mode="valid")
    return dx, dw

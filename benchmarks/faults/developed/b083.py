import numpy as np

LABELS = {
    'id': 'b083',
    'op': 'self-gated modulation y = x (x w)',
    'family': 'detached path',
    'wrong_lines': [5],
    'fix': {5: 'dx = dy * gate + np.matmul(dgate, w.T)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), rng.standard_normal((4, 4))


def forward(x, w):
    return x * (x @ w)


def right_backward(dy, x, w):
    gate = x @ w
    dgate = dy * x
    dw = np.matmul(x.T, dgate)
    dx = dy * gate + np.matmul(dgate, w.T)
    return dx, dw


def wrong_backward(dy, x, w):
    gate = x @ w
    dgate = dy * x
    dw = np.matmul(x.T, dgate)
    dx = dy * gate
    return dx, dw

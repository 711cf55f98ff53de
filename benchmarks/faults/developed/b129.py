import numpy as np

LABELS = {
    'id': 'b129',
    'op': 'rotary position embedding',
    'family': 'not flipped',
    'wrong_lines': [2],
    'fix': {2: 'return _turn(dy, -1)'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((5, 4)),)


def _turn(x, direction):
    angle = direction * np.arange(len(x))[:, None] * np.array([1.0, 0.1])
    c, s = np.cos(angle), np.sin(angle)
    a, b = x[:, 0::2], x[:, 1::2]
    out = np.empty_like(x)
    out[:, 0::2] = a * c - b * s
    out[:, 1::2] = a * s + b * c
    return out


def forward(x):
    return _turn(x, 1)


def right_backward(dy, x):
    return _turn(dy, -1)


def wrong_backward(dy, x):
    return _turn(dy, 1)

import numpy as np

LABELS = {
    'id': 'b038',
    'op': 'soft minimum over shifts',
    'family': 'sign',
    'wrong_lines': [6],
    'fix': {6: 'per_row = -np.log(z[:, 0]) - (soft * d).sum(axis=1) / gamma'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 6)), rng.random(1) + 0.4


def forward(d, gamma):
    return -gamma * np.log(np.exp(-d / gamma).sum(axis=1))


def right_backward(dy, d, gamma):
    w = np.exp(-d / gamma)
    z = w.sum(axis=1, keepdims=True)
    soft = w / z
    grad_d = dy[:, None] * soft
    per_row = -np.log(z[:, 0]) - (soft * d).sum(axis=1) / gamma
    return grad_d, np.array([np.dot(dy, per_row)])


def wrong_backward(dy, d, gamma):
    w = np.exp(-d / gamma)
    z = w.sum(axis=1, keepdims=True)
    soft = w / z
    grad_d = dy[:, None] * soft
    per_row = -np.log(z[:, 0]) + (soft * d).sum(axis=1) / gamma
    return grad_d, np.array([np.dot(dy, per_row)])

import numpy as np

LABELS = {
    'id': 'c048',
    'op': 'Huber loss',
    'family': 'wrong mask/branch',
    'wrong_lines': [3],
    'fix': {3: 'small = np.abs(r) <= delta'},
    'note': '',
    'source': 'robust regression exercises (the absolute value is forgotten in the test)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return 2 * rng.standard_normal((4, 3)), rng.standard_normal((4, 3))


def forward(pred, target, delta=0.8):
    r = pred - target
    small = np.abs(r) <= delta
    return np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)).sum()


def right_backward(g, pred, target, delta=0.8):
    r = pred - target
    small = np.abs(r) <= delta
    dr = np.where(small, r, delta * np.sign(r))
    return g * dr, -g * dr


def wrong_backward(g, pred, target, delta=0.8):
    r = pred - target
    small = r <= delta
    dr = np.where(small, r, delta * np.sign(r))
    return g * dr, -g * dr

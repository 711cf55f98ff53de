import numpy as np

LABELS = {
    'id': 'b059',
    'op': 'binary cross-entropy from logits, saturated',
    'family': 'not finite',
    'wrong_lines': [3],
    'fix': {3: 'dz = p - t'},
    'note': '',
    'source': 'distilled from common mistakes in course work and code review',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return np.array([0.3, 45.0, -2.0, 60.0, 1.2]) + 0.1 * rng.standard_normal(5), np.array([1, 1, 0, 1, 0])


def forward(z, t):
    return np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))


def right_backward(dy, z, t):
    p = 1 / (1 + np.exp(-z))
    dz = p - t
    return dy * dz, None


def wrong_backward(dy, z, t):
    p = 1 / (1 + np.exp(-z))
    dz = ((1 - t) / (1 - p) - t / p) * p * (1 - p)
    return dy * dz, None

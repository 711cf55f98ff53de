import numpy as np

LABELS = {
    'id': 'd022',
    'op': 'squashing of capsule vectors',
    'family': 'eps placement',
    'wrong_lines': [4],
    'fix': {4: 'inv = 1 / np.sqrt(n2 + EPS)'},
    'note': '',
    'source': 'written by hand as often seen in course work',
}


EPS = 0.02


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((2, int(rng.integers(2, 4)), 4)) * 0.25,)


def forward(s):
    n2 = np.sum(s**2, axis=-1, keepdims=True)
    return n2 / (1 + n2) * s / np.sqrt(n2 + EPS)


def right_backward(dv, s):
    n2 = np.sum(s**2, axis=-1, keepdims=True)
    gain = n2 / (1 + n2)
    inv = 1 / np.sqrt(n2 + EPS)
    dgain = 1 / (1 + n2) ** 2
    dinv = -0.5 * inv**3
    dot = np.sum(dv * s, axis=-1, keepdims=True)
    return gain * inv * dv + 2 * s * dot * (dgain * inv + gain * dinv)


def wrong_backward(dv, s):
    n2 = np.sum(s**2, axis=-1, keepdims=True)
    gain = n2 / (1 + n2)
    inv = 1 / (np.sqrt(n2) + EPS)
    dgain = 1 / (1 + n2) ** 2
    dinv = -0.5 * inv**3
    dot = np.sum(dv * s, axis=-1, keepdims=True)
    return gain * inv * dv + 2 * s * dot * (dgain * inv + gain * dinv)

import numpy as np

LABELS = {
    'id': 'c006',
    'op': 'signed log-sum-exp',
    'family': 'sign',
    'wrong_lines': [4],
    'fix': {4: 'weight = (g / s)[:, None]'},
    'note': 'the sum is negative in one row',
    'source': 'HIPS/autograd#809 (log|Σ b eˣ|: the sign of the sum is in the gradient)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, 4))
    b = np.array([[2.0, 1.0, 0.5, 1.5], [-3.0, -1.0, 0.2, -2.0], [1.0, 2.0, 1.0, 0.3]])
    return x, b


def forward(x, b):
    s = (b * np.exp(x)).sum(axis=1)
    return np.log(np.abs(s))


def right_backward(g, x, b):
    e = np.exp(x)
    s = (b * e).sum(axis=1)
    weight = (g / s)[:, None]
    return weight * b * e, weight * e


def wrong_backward(g, x, b):
    e = np.exp(x)
    s = (b * e).sum(axis=1)
    weight = (g / np.abs(s))[:, None]
    return weight * b * e, weight * e

import numpy as np

LABELS = {
    'id': 'c089',
    'op': 'Adam-like scaled update g/(√v + ε)',
    'family': 'eps placement',
    'wrong_lines': [3],
    'fix': {3: 'denom = root + eps'},
    'note': 'ε is large enough to be seen',
    'source': 'learned optimisers, unrolled (ε under the root in backward)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((3, 4)), 0.05 + rng.random((3, 4))


def forward(m, v, eps=0.1):
    return m / (np.sqrt(v) + eps)


def right_backward(du, m, v, eps=0.1):
    root = np.sqrt(v)
    denom = root + eps
    dm = du / denom
    dv = -du * m / denom**2 * 0.5 / root
    return dm, dv


def wrong_backward(du, m, v, eps=0.1):
    root = np.sqrt(v)
    denom = np.sqrt(v + eps)
    dm = du / denom
    dv = -du * m / denom**2 * 0.5 / root
    return dm, dv

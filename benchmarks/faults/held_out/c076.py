import numpy as np

LABELS = {
    'id': 'c076',
    'op': 'gated unit a · σ(b) (GLU)',
    'family': 'wrong variable',
    'wrong_lines': [6],
    'fix': {6: 'return np.concatenate([da, db], axis=1)'},
    'note': '',
    'source': 'gated convolution ports (the halves are returned in the other order)',
}


def inputs(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((3 + seed % 3, 8)),)


def forward(x):
    a, b = np.split(x, 2, axis=1)
    return a / (1 + np.exp(-b))


def right_backward(g, x):
    a, b = np.split(x, 2, axis=1)
    s = 1 / (1 + np.exp(-b))
    da = g * s
    db = g * a * s * (1 - s)
    return np.concatenate([da, db], axis=1)


def wrong_backward(g, x):
    a, b = np.split(x, 2, axis=1)
    s = 1 / (1 + np.exp(-b))
    da = g * s
    db = g * a * s * (1 - s)
    return np.concatenate([db, da], axis=1)
